// What happens in the clips of a camera: a line each, and those with people in them marked. Needs ffmpeg.
//
//   node cctv.ts clips/*.mp4
import { basename } from 'node:path';
import { LlavaOneVision } from 'llava-onevision';
import { z } from 'zod';

const Report = z.object({
  people: z.boolean(),
  vehicles: z.boolean(),
  summary: z.string().max(200),
});

export async function* watch(model: LlavaOneVision, clips: Iterable<string>) {
  const answers = model.batch(clips, {
    prompt: 'These are frames of a surveillance camera. What happens?',
    frames: 16,
    maxTokens: 150,
    responseFormat: { type: 'json_schema', schema: Report },
  });
  for await (const { id, parsed, error } of answers)
    yield parsed
      ? `${parsed.people ? '!' : ' '} ${basename(id)}: ${parsed.summary}`
      : `? ${basename(id)}: ${error?.message ?? 'no answer'}`;
}

if (process.argv[1] === import.meta.filename) {
  const model = await LlavaOneVision.load({ model: '7b-ov' });
  for await (const line of watch(model, process.argv.slice(2))) console.log(line);
  await model.dispose();
}
