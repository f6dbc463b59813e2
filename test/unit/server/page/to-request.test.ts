import { expect, test } from 'vitest';
import { bodyOf } from '../../../../src/server/page/wire/json-body.js';
import { toRequest } from '../../../../src/server/page/wire/to-request.js';
import { picture, settings, turn } from './turns.js';

const clip = { id: 'v', kind: 'video', name: 'v.mp4', type: 'video/mp4', bytes: 2 } as const;
/** Longer than what is encoded at one time, and no multiple of three. */
const long = Uint8Array.from({ length: 1_000_001 }, (_, i) => (i * 7) % 256);
const blobs: Record<string, Blob> = { p: new Blob([long]), v: new Blob(['ab']) };
const media = async (id: string) => blobs[id];

test('a branch, its pictures and its settings', async () => {
  const turns = [
    turn('a', null, { media: [picture('p'), clip], text: 'What is it?' }),
    turn('b', 'a', { role: 'assistant', text: 'A cat.' }),
    turn('c', 'b', { text: 'Sure?' }),
  ];
  const given = { ...settings, model: 'eyes', system: 'Be brief.', seed: 0, stop: ['', '\n\n'] };
  const image = `data:image/png;base64,${Buffer.from(long).toString('base64')}`;
  expect(
    JSON.parse(await new Response(bodyOf(await toRequest(turns, given, media))).text()),
  ).toEqual({
    model: 'eyes',
    messages: [
      { role: 'system', content: 'Be brief.' },
      {
        role: 'user',
        content: [
          { type: 'image_url', image_url: { url: image } },
          { type: 'video_url', video_url: { url: 'data:video/mp4;base64,YWI=' } },
          { type: 'text', text: 'What is it?' },
        ],
      },
      { role: 'assistant', content: 'A cat.' },
      { role: 'user', content: 'Sure?' },
    ],
    stream: true,
    stream_options: { include_usage: true },
    llava_onevision: { progress: true, geometry: true },
    temperature: 0.7,
    top_p: 1,
    top_k: 0,
    repetition_penalty: 1,
    max_tokens: 512,
    seed: 0,
    stop: ['\n\n'],
    media_io_kwargs: { video: { num_frames: 16 } },
  });
});

test('what is empty is left out', async () => {
  const body = await toRequest([turn('a', null)], settings, media);
  for (const name of ['model', 'seed', 'stop', 'response_format', 'media_io_kwargs'])
    expect(body).not.toHaveProperty(name);
  expect(body.messages).toEqual([{ role: 'user', content: 'text of a' }]);
});

test('a picture without words', async () => {
  const body = await toRequest([turn('a', null, { media: [clip], text: '' })], settings, media);
  expect(body.messages[0]!.content).toHaveLength(1);
});

test('an answer at the end is gone on in; one that came to nothing is none', async () => {
  const asked = turn('a', null);
  const begun = turn('b', 'a', { role: 'assistant', text: 'A ca' });
  const continued = await toRequest([asked, begun], settings, media);
  expect(continued.continue_final_message).toBe(true);
  expect(continued.messages.at(-1)).toEqual({ role: 'assistant', content: 'A ca' });
  const kept = await toRequest([asked, begun], { ...settings, schema: '{}' }, media);
  expect(kept).not.toHaveProperty('response_format');
  const anew = await toRequest([asked, { ...begun, text: '' }], settings, media);
  expect(anew).not.toHaveProperty('continue_final_message');
  expect(anew.messages).toHaveLength(1);
});

test('a schema is what the answer keeps to; what is none is told', async () => {
  const asked = (schema: string) => toRequest([turn('a', null)], { ...settings, schema }, media);
  const { response_format } = await asked('{ "type": "object" }');
  expect(response_format).toEqual({
    type: 'json_schema',
    json_schema: { name: 'answer', schema: { type: 'object' }, strict: true },
  });
  for (const schema of ['{', '[]', 'null', '"a"'])
    await expect(asked(schema)).rejects.toThrow(/^The schema /);
});

test('a picture that is not kept any more is named', async () => {
  const turns = [turn('a', null, { media: [picture('gone')] })];
  await expect(toRequest(turns, settings, media)).rejects.toThrow('gone.png');
});
