// What an invoice says, as typed JSON: the model can only answer in the form of the schema. Whether what it says is right is another
// question: here at least the sum of the lines is compared with the total.
//
//   npm install zod && node invoice.ts invoice.jpg
import { LlavaOneVision } from 'llava-onevision';
import { z } from 'zod';

export const Invoice = z.object({
  number: z.string().max(30),
  date: z.iso.date(),
  seller: z.string().max(60),
  lines: z
    .array(z.object({ text: z.string().max(60), amount: z.number().min(0).max(1e6) }))
    .max(20),
  total: z.number().min(0).max(1e7),
});

export async function readInvoice(model: LlavaOneVision, image: string) {
  const { parsed } = await model.chat(
    [
      {
        role: 'user',
        content: [
          { type: 'image', image },
          { type: 'text', text: 'Read this invoice.' },
        ],
      },
    ],
    { responseFormat: { type: 'json_schema', schema: Invoice }, maxTokens: 1500 },
  ).result;
  if (!parsed) return undefined; // longer than maxTokens
  const sum = parsed.lines.reduce((cents, { amount }) => cents + Math.round(amount * 100), 0);
  return { ...parsed, addsUp: sum === Math.round(parsed.total * 100) };
}

if (process.argv[1] === import.meta.filename) {
  const model = await LlavaOneVision.load({ model: '7b-ov' });
  console.log(await readInvoice(model, process.argv[2] ?? 'invoice.jpg'));
  await model.dispose();
}
