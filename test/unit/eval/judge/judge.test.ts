// The stages of a judged row: generated answers, requests in a file, replies from a file or a server.
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import type { Benchmark } from '../../../../src/eval/benchmark.js';
import { openData } from '../../../../src/eval/data/open-data.js';
import {
  askJudge,
  importReplies,
  pendingRequests,
  writeRequests,
} from '../../../../src/eval/judge/judge.js';
import { judgeImages } from '../../../../src/eval/judge/judge-images.js';
import { makeReport } from '../../../../src/eval/report.js';
import { picture, temporaryFolder } from '../../../support/eval.js';
import { fakeChatServer } from '../../../support/fake-chat-server.js';
import { writeParquet } from '../../../support/parquet.js';
import { fakeAsker, runInto, sums, sumsFolder } from '../../../support/synthetic-benchmark.js';

/** First the judge says what the answer is, then how good that is. */
const judged: Benchmark<number> = {
  ...sums,
  score({ id }, { reply }) {
    const rating = reply(`${id}#rating`);
    if (rating === undefined) return { score: null, unscored: 'judge required' };
    return { score: Number(/\d/.exec(rating)?.[0] ?? 0) / 5 };
  },
  judge: {
    model: { 'v0.2.2': 'old-judge', HEAD: 'new-judge' },
    isRequired: true,
    requests: (unit, { reply }) =>
      unit.flatMap(({ id, answer }) => {
        const message = (content: string) => [{ role: 'user' as const, content }];
        const first = { id, messages: message(`Read: ${answer}`), maxTokens: 9, rule: 'any' };
        const read = reply(id);
        if (read === undefined) return [first];
        const messages = message(`Rate: ${read}`);
        const accepts = (text: string) => /\d/.test(text);
        const temperatures = [0, 0.5, 1];
        return [
          first,
          { id: `${id}#rating`, messages, maxTokens: 4, rule: '0-5', accepts, temperatures },
        ];
      }),
  },
};
const benchmark = judged as Benchmark;
const signal = new AbortController().signal;

async function generated(data = sumsFolder(4)) {
  const dir = temporaryFolder();
  await runInto(judged, { data, out: dir, asker: fakeAsker() });
  return { dir, benchmark, rules: 'v0.2.2' as const };
}

it('writes requests, takes replies of both stages from one file, and scores', async () => {
  const options = await generated();
  const pending = await pendingRequests(options);
  expect(pending.map(({ part, id }) => `${part}/${id}`)).toEqual([
    'test/s0',
    'test/s1',
    'test/s2',
    'test/s3',
  ]);
  const path = await writeRequests(options, pending);
  const lines = readFileSync(path, 'utf8')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));
  expect(lines).toHaveLength(4);
  expect(lines[1]).toEqual({
    ...{ benchmark: 'sums', part: 'test', id: 's1', model: 'old-judge', images: [] },
    messages: [{ role: 'user', content: 'Read: 1' }],
    ...{ temperature: 0, maxTokens: 9, json: false, rule: 'any' },
  });

  const file = join(temporaryFolder(), 'replies.jsonl');
  const reply = (id: string, text: string, more = {}) =>
    JSON.stringify({ part: 'test', id, reply: text, ...more });
  writeFileSync(
    file,
    [
      ...[reply('s0', 'a'), reply('s0#rating', '5'), reply('s1', 'b'), reply('s1#rating', '2')],
      ...[reply('s9', 'x'), reply('s2', 'other', { benchmark: 'else' })],
    ].join('\n'),
  );
  expect(await importReplies(options, file)).toEqual({ taken: 4, unknown: 1 });
  expect((await pendingRequests(options)).map(({ id }) => id)).toEqual(['s2', 's3']);
  const [row] = (await makeReport(options.dir, [benchmark])).rows;
  expect(row).toMatchObject({ score: 70, samples: 2, unscored: { 'judge required': 2 } });
});

it('refuses a file that is none of replies', async () => {
  const options = await generated();
  const file = join(temporaryFolder(), 'replies.jsonl');
  for (const text of ['', '{"id":"s0","reply":"x"}\n', '{"part":"test","id":"s0","reply":3}\n']) {
    writeFileSync(file, text);
    await expect(importReplies(options, file)).rejects.toMatchObject({ code: 'ERR_EVAL_RESULTS' });
  }
});

it('asks a server until nothing is pending, and no reply twice', async () => {
  const options = await generated();
  const { url, requests } = await fakeChatServer(({ body }) => {
    const { content } = body.messages[0]!;
    if (String(content).startsWith('Read')) return 'read';
    return body.temperature < 1 ? 'no number' : '4';
  });
  const api = { url, model: 'my-judge', pauseMs: 1 };
  expect(await askJudge({ ...options, api, concurrency: 3, signal })).toBe(8);
  expect(requests).toHaveLength(4 + 4 * 3);
  expect(requests.map(({ body }) => body.temperature).filter((t) => t === 0.5)).toHaveLength(4);
  expect(await askJudge({ ...options, api, concurrency: 3, signal })).toBe(0);
  const [row] = (await makeReport(options.dir, [benchmark])).rows;
  expect(row).toMatchObject({
    score: 80,
    note: 'judged by my-judge, not comparable with the card, which old-judge judged',
  });
});

it('keeps a reply that cannot be read after the last attempt', async () => {
  const options = await generated();
  const { url } = await fakeChatServer(() => 'never a number');
  await askJudge({ ...options, api: { url, model: 'old-judge' }, concurrency: 1, signal });
  const [row] = (await makeReport(options.dir, [benchmark])).rows;
  expect(row).toMatchObject({ score: 0, samples: 4, note: 'judged by old-judge' });
});

it('shows the judge the pictures, from the data', async () => {
  const data = temporaryFolder();
  const image = await picture(3);
  const columns = { image: 'image', a: 'int', b: 'int', kind: 'string' } as const;
  writeParquet(join(data, 'test.parquet'), columns, [{ image, a: 1, b: 2, kind: 'x' }]);
  const seeing: Benchmark<number> = {
    ...judged,
    judge: {
      ...judged.judge!,
      requests: (unit, context) =>
        judged.judge!.requests(unit, context).map((request) => ({ ...request, hasImages: true })),
    },
  };
  const options = { ...(await generated(data)), benchmark: seeing as Benchmark };
  await using open = await openData(options.benchmark, { data });
  const images = await judgeImages(options.dir, options.benchmark, { data: open, rules: 'v0.2.2' });
  const path = await writeRequests(options, await pendingRequests(options), images);
  const [name] = JSON.parse(readFileSync(path, 'utf8')).images;
  expect(readFileSync(join(options.dir, 'sums', name))).toEqual(image.bytes);

  const { url, requests } = await fakeChatServer(() => '5');
  await askJudge({ ...options, api: { url, model: 'j' }, images, concurrency: 1, signal });
  const parts = requests[0]!.body.messages[0]!.content as object[];
  expect(parts).toMatchObject([
    { type: 'image_url', image_url: { url: expect.stringContaining('data:image/png;base64,') } },
    { type: 'text', text: 'Read: 3' },
  ]);
});
