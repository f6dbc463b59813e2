// The same tasks through a server: what is sent, what is asked again, what ends the run.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { type AnswerRecord, readAnswers } from '../../../src/eval/answers.js';
import { ai2d } from '../../../src/eval/benchmarks/ai2d.js';
import { endpointAsker } from '../../../src/eval/endpoint-asker.js';
import { answersPath, readManifest } from '../../../src/eval/results.js';
import { datasetFolder, picture, temporaryFolder, writeSplit } from '../../support/eval.js';
import { fakeChatServer } from '../../support/fake-chat-server.js';
import { addUp, runInto, sums, sumsFolder } from '../../support/synthetic-benchmark.js';

const signal = new AbortController().signal;

async function recordsOf(out: string, name: string): Promise<AnswerRecord[]> {
  const records: AnswerRecord[] = [];
  for await (const record of readAnswers(answersPath(out, name))) records.push(record);
  return records;
}

const ask = (url: string, text = 'Hi?') =>
  endpointAsker({ url, model: 'ov', pauseMs: 1 }).ask(
    { content: [{ type: 'text', text }], maxTokens: 5, multiImage: 'pad' },
    signal,
  );

it('sends the prompt as the reference has it, with the picture before it', async () => {
  const { url, requests } = await fakeChatServer(() => ' B. ');
  const data = datasetFolder(ai2d);
  const image = await picture(1);
  writeSplit(
    data,
    { split: 'test' },
    {
      columns: { image: 'image', question: 'string', options: 'string[]', answer: 'string' },
      rows: [{ image, question: 'Which?', options: ['a', 'b'], answer: '1' }],
    },
  );
  const out = temporaryFolder();
  const asker = endpointAsker({ url, model: 'ov-7b', apiKey: 'secret' });
  await runInto(ai2d as never, { data, out, asker });
  expect(requests).toEqual([
    {
      path: '/v1/chat/completions',
      authorization: 'Bearer secret',
      body: {
        model: 'ov-7b',
        temperature: 0,
        max_tokens: 16,
        messages: [
          { role: 'system', content: 'You are a helpful assistant.' },
          {
            role: 'user',
            content: [
              {
                type: 'image_url',
                image_url: { url: `data:image/png;base64,${image.bytes.toString('base64')}` },
              },
              {
                type: 'text',
                text: "Which?\nA. a\nB. b\nAnswer with the option's letter from the given choices directly.",
              },
            ],
          },
        ],
      },
    },
  ]);
  const [record] = await recordsOf(out, 'ai2d');
  expect(record).toMatchObject({ answer: 'B.', promptTokens: 11, answerTokens: 3 });
  const manifest = await readManifest(out);
  expect(manifest.engine).toMatchObject({ kind: 'endpoint', model: 'ov-7b', url });
  expect(JSON.stringify(manifest)).not.toContain('secret');
});

it('asks again when the server is busy or out of order', async () => {
  const failures = [429, 503, 500];
  const { url, requests } = await fakeChatServer((_, n) =>
    n < failures.length ? { status: failures[n]!, body: 'later' } : 'Yes.',
  );
  expect((await ask(url)).text).toBe('Yes.');
  expect(requests).toHaveLength(4);
});

it('waits as long as the server says', async () => {
  const { url } = await fakeChatServer((_, n) =>
    n === 0 ? { status: 429, headers: { 'retry-after': '1' }, body: '' } : 'Yes.',
  );
  const started = performance.now();
  await ask(url);
  expect(performance.now() - started).toBeGreaterThan(950);
});

it('gives up after six attempts, for this question only', async () => {
  const { url, requests } = await fakeChatServer(() => ({ status: 500, body: 'broken' }));
  await expect(ask(url)).rejects.toMatchObject({
    code: 'ERR_ENDPOINT',
    status: 500,
    isFatal: false,
    message: expect.stringContaining('answered 500: broken'),
  });
  expect(requests).toHaveLength(6);
});

it.each([401, 404])('does not ask again after %i, which ends the run', async (status) => {
  const { url, requests } = await fakeChatServer(() => ({ status, body: 'no' }));
  const out = temporaryFolder();
  const asker = endpointAsker({ url: `${url}/chat/completions`, model: 'ov', pauseMs: 1 });
  const running = runInto(sums, { data: sumsFolder(9), out, asker });
  await expect(running).rejects.toMatchObject({ code: 'ERR_ENDPOINT', status });
  expect(requests).toHaveLength(1);
});

it('records what the server refuses of one question', async () => {
  const { url } = await fakeChatServer((_, n) =>
    n === 2 ? { status: 400, body: 'too long' } : '1',
  );
  const out = temporaryFolder();
  const asker = endpointAsker({ url, model: 'ov' });
  const { errors } = await runInto(sums, { data: sumsFolder(5), out, asker });
  expect(errors).toBe(1);
});

it('says what a server is that does not answer, or not in this way', async () => {
  const { url } = await fakeChatServer(() => ({ body: { hello: 1 } }));
  await expect(ask(url)).rejects.toMatchObject({
    code: 'ERR_ENDPOINT',
    message: expect.stringContaining('without choices[0].message.content'),
  });
  await expect(ask('http://127.0.0.1:9/v1')).rejects.toMatchObject({
    code: 'ERR_ENDPOINT',
    isFatal: true,
    message: expect.stringContaining('cannot be reached'),
  });
});

it('is interrupted while it waits', async () => {
  const { url } = await fakeChatServer(() => ({
    status: 503,
    headers: { 'retry-after': '20' },
    body: '',
  }));
  const reason = new Error('enough');
  const asker = endpointAsker({ url, model: 'ov' });
  const question = {
    content: [{ type: 'text' as const, text: '?' }],
    maxTokens: 1,
    multiImage: 'pad' as const,
  };
  const controller = new AbortController();
  setTimeout(() => controller.abort(reason), 100);
  await expect(asker.ask(question, controller.signal)).rejects.toBe(reason);
});

it('sends frames as pictures, in order', async () => {
  const { url, requests } = await fakeChatServer(() => 'ok');
  const frames = await Promise.all([1, 2, 3].map(async (i) => (await picture(i)).bytes));
  const asker = endpointAsker({ url, model: 'ov' });
  const content = [
    { type: 'video' as const, video: frames },
    { type: 'text' as const, text: '?' },
  ];
  await asker.ask({ content, maxTokens: 1, multiImage: 'pad' }, signal);
  const parts = requests[0]!.body.messages[1]!.content as {
    type: string;
    image_url?: { url: string };
  }[];
  expect(parts.map(({ type }) => type)).toEqual(['image_url', 'image_url', 'image_url', 'text']);
  expect(new Set(parts.map((part) => part.image_url?.url)).size).toBe(4);

  const clip = join(temporaryFolder(), 'a.mp4');
  writeFileSync(clip, 'clip');
  const whole = [{ type: 'video' as const, video: clip, frames: 32 }, content[1]!];
  await asker.ask({ content: whole, maxTokens: 1, multiImage: 'pad' }, signal);
  expect((requests[1]!.body.messages[1]!.content as unknown[])[0]).toEqual({
    type: 'video_url',
    video_url: { url: `data:video/mp4;base64,${Buffer.from('clip').toString('base64')}` },
  });
});

it('gives the same result as any other who answers', async () => {
  const { url } = await fakeChatServer(({ body }) => {
    const [{ text }] = body.messages[1]!.content as [{ text: string }];
    const [a = 0, b = 0] = (text.match(/\d+/g) ?? []).map(Number);
    return String(a + b + ((a * 7 + b) % 5 === 0 ? 1 : 0));
  });
  const data = sumsFolder(20);
  const out = temporaryFolder();
  await runInto(sums, { data, out, asker: endpointAsker({ url, model: 'x' }), concurrency: 4 });
  const records = await recordsOf(out, 'sums');
  for (const { prompt, answer } of records) expect(answer).toBe((await addUp(prompt)).trim());
});
