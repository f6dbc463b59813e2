// POST a form with `picture` and `question`; the answer streams back as text. In next.config:
// `serverExternalPackages: ['llava-onevision']`, so that the addon is not bundled.
import { type ChatChunk, LlavaError, LlavaOneVision } from 'llava-onevision';

export const runtime = 'nodejs';

// Next loads this module anew as it is edited; the model stays.
const kept = globalThis as { llava?: Promise<LlavaOneVision> };
function loadOnce(): Promise<LlavaOneVision> {
  kept.llava ??= LlavaOneVision.load({ model: process.env.LLAVA_MODEL ?? '0.5b-ov' });
  return kept.llava;
}

export async function POST(request: Request): Promise<Response> {
  const form = await request.formData();
  const [picture, question] = [form.get('picture'), form.get('question')];
  if (!(picture instanceof Blob) || typeof question !== 'string')
    return Response.json({ error: 'Expected `picture` and `question`.' }, { status: 400 });
  const image = new Uint8Array(await picture.arrayBuffer());
  const model = await loadOnce();
  const content = [{ type: 'image', image } as const, { type: 'text', text: question } as const];
  // Whoever leaves stops the answer.
  const { signal } = request;
  const chunks = model
    .chat([{ role: 'user', content }], { maxTokens: 512, signal })
    [Symbol.asyncIterator]();
  try {
    // What cannot be read is known before the first word.
    const first = await chunks.next();
    return new Response(ReadableStream.from(bytesOf(first, chunks)), {
      headers: { 'content-type': 'text/plain; charset=utf-8' },
    });
  } catch (error) {
    if (!(error instanceof LlavaError)) throw error;
    return Response.json({ error: error.message, code: error.code }, { status: 422 });
  }
}

async function* bytesOf(first: IteratorResult<ChatChunk>, rest: AsyncIterator<ChatChunk>) {
  const encoder = new TextEncoder();
  for (let one = first; !one.done; one = await rest.next()) yield encoder.encode(one.value.text);
}
