// A line of JSON for each picture below a folder. Stopped at any point, the same command goes on.
//
//   node captions.ts photos captions.jsonl
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { LlavaOneVision } from 'llava-onevision';

export async function caption(model: LlavaOneVision, folder: string, out: string) {
  const names = await readdir(folder, { recursive: true });
  const pictures = names.filter((name) => /\.(jpe?g|png|webp)$/i.test(name)).sort();
  return model.batch(
    pictures.map((name) => ({ id: name, images: [join(folder, name)] })),
    { prompt: 'Describe this picture in one sentence.', maxTokens: 100, out },
  ).result;
}

if (process.argv[1] === import.meta.filename) {
  const [folder = '.', out = 'captions.jsonl'] = process.argv.slice(2);
  const model = await LlavaOneVision.load({ model: '0.5b-ov' });
  const { asked, errors } = await caption(model, folder, out);
  console.log(`${asked} pictures asked about, ${errors} could not be read; ${out}`);
  await model.dispose();
}
