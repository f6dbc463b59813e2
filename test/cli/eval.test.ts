// The demo's questions through the command line: answers equal the reference's, whatever is interrupted or under way at a time.
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { AnswerRecord } from '../../src/eval/answers.js';
import { mmVet } from '../../src/eval/benchmarks/mmvet.js';
import { nextQa } from '../../src/eval/benchmarks/nextqa.js';
import { cli, MAIN } from '../support/cli.js';
import { datasetFolder, writeSplit } from '../support/eval.js';
import { fakeChatServer } from '../support/fake-chat-server.js';

const ROOT = join(import.meta.dirname, '../..');
const folder = mkdtempSync(join(tmpdir(), 'cli-eval-'));
const results = (name: string) => join(folder, name);
const MODEL = [
  ...['--model', join(folder, 'demo-f32.gguf'), '--mmproj', join(folder, 'mmproj-demo-f32.gguf')],
  ...['--threads', '1', '--kv-type', 'f32', '--context-size', '8192'],
];
const DATA = ['--data', join(ROOT, 'demo')];
/** Of all six kinds. */
const SOME = ['--limit', '60', '--shuffle', '--seed', '2'];
const run = (out: string, ...more: string[]) =>
  cli(['eval', 'run', 'demo-vqa', ...MODEL, ...DATA, '--out', results(out), ...more]);

beforeAll(async () => {
  const checkpoint = join(ROOT, 'demo/checkpoint');
  const outtypes = ['--outtype', 'f32', '--mmproj-outtype', 'f32'];
  const { status } = await cli(['convert', checkpoint, '--outdir', folder, ...outtypes]);
  expect(status).toBe(0);
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function answersOf(out: string): AnswerRecord[] {
  const text = readFileSync(join(results(out), 'demo-vqa/answers.jsonl'), 'utf8');
  return text
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));
}

const texts = (out: string) =>
  answersOf(out)
    .map(({ id, answer }) => `${id}: ${answer}`)
    .sort();

test('demo-vqa has the accuracy of the reference, for every answer is the same', async () => {
  const { status, stdout, stderr } = await run('whole', ...SOME, '--concurrency', '4', '--json');
  expect(stderr).toBe('');
  expect(status).toBe(0);
  const report = JSON.parse(stdout);
  const figures = Object.fromEntries(
    report.figures.map(({ name, score }: { name: string; score: number }) => [name, score]),
  );
  expect(report.rows).toMatchObject([{ name: 'demo-vqa', samples: 60, selected: 60, errors: 0 }]);
  expect(report.rows[0].score).toBe(figures['reference accuracy']);
  expect(figures['equal to reference']).toBe(100);
  expect(Object.keys(report.rows[0].categories).sort()).toEqual([
    'corner',
    'count',
    'motion',
    'number',
    'pair',
    'shape',
  ]);
  expect(report.rows[0].score).toBeGreaterThan(70);
  expect(existsSync(join(results('whole'), 'report.md'))).toBe(true);
});

test('one question at a time gives the same answers', async () => {
  const { status } = await run('single', ...SOME, '--concurrency', '1');
  expect(status).toBe(0);
  expect(texts('single')).toEqual(texts('whole'));
});

test('a run that was killed goes on, asks nothing twice and ends with the same answers', async () => {
  const args = ['eval', 'run', 'demo-vqa', ...MODEL, ...DATA, '--out', results('killed'), ...SOME];
  const child = spawn(process.execPath, [MAIN, ...args], { stdio: 'ignore' });
  const ended = new Promise((resolve) => child.on('close', resolve));
  const path = join(results('killed'), 'demo-vqa/answers.jsonl');
  while (!existsSync(path) || readFileSync(path, 'utf8').split('\n').length < 3)
    await new Promise((resolve) => setTimeout(resolve, 1));
  child.kill('SIGKILL');
  await ended;
  const before = readFileSync(path, 'utf8').split('\n').length - 1;
  expect(before).toBeLessThan(60);

  const { status } = await run('killed', ...SOME);
  expect(status).toBe(0);
  expect(answersOf('killed')).toHaveLength(60);
  expect(texts('killed')).toEqual(texts('whole'));
});

test('Ctrl-C ends a run so that the same command goes on', async () => {
  const args = ['eval', 'run', 'demo-vqa', ...MODEL, ...DATA, '--out', results('stopped'), ...SOME];
  const child = spawn(process.execPath, [MAIN, ...args], { stdio: ['ignore', 'ignore', 'pipe'] });
  let stderr = '';
  child.stderr.on('data', (chunk) => {
    stderr += chunk;
  });
  const ended = new Promise((resolve) => child.on('close', resolve));
  const path = join(results('stopped'), 'demo-vqa/answers.jsonl');
  while (!existsSync(path) || readFileSync(path, 'utf8').length === 0)
    await new Promise((resolve) => setTimeout(resolve, 20));
  child.kill('SIGINT');
  expect(await ended).toBe(130);
  expect(stderr).toBe('Interrupted: the same command goes on from here.\n');
  expect((await run('stopped', ...SOME)).status).toBe(0);
  expect(texts('stopped')).toEqual(texts('whole'));
});

test('results of another model or engine are refused', async () => {
  const { status, stderr } = await run('whole', ...SOME, '--kv-type', 'f16');
  expect(status).toBe(1);
  expect(stderr).toContain(
    'another model or engine, demo-f32.gguf with mmproj-demo-f32.gguf: kvType is f32 there and f16 now',
  );
});

test('report and compare read what is there', async () => {
  const table = await cli(['eval', 'report', results('whole')]);
  expect(table.stdout).toMatch(/^row +score +95 % .*\ndemo-vqa /);
  const html = join(folder, 'page.html');
  const { status } = await cli(['eval', 'report', results('whole'), '--html', html, ...DATA]);
  expect(status).toBe(0);
  const page = readFileSync(html, 'utf8');
  const { samples } = JSON.parse(/id="data">(.*)<\/script>/.exec(page)![1]!);
  expect(samples).toHaveLength(60);
  for (const { pictures } of samples)
    expect(pictures[0]).toMatch(/^data:image\/jpeg;base64,[\w+/=]+$/);
  const scores = samples.map(({ score }: { score: number }) => score);
  expect(scores).toEqual([...scores].sort());
  expect(page).toMatch(/<svg [^>]*class="chart">.*demo-vqa.*class="value".*<\/svg>/);
  const same = await cli(['eval', 'compare', results('whole'), results('single'), '--json']);
  expect(JSON.parse(same.stdout).rows).toMatchObject([
    { name: 'demo-vqa', difference: 0, samples: 60, changes: [] },
  ]);
  const text = await cli(['eval', 'compare', results('whole'), results('single')]);
  expect(text.stdout).toContain('60 samples, 0 better, 0 worse, 0 answered otherwise');
  const none = await cli(['eval', 'report', folder]);
  expect(none).toMatchObject({ status: 1, stderr: expect.stringContaining('eval.json') });
});

test('--endpoint asks a server, and eval NAME is eval run NAME', async () => {
  const { url, requests } = await fakeChatServer(() => 'Orange.');
  const args = ['--endpoint', url, '--endpoint-model', 'ov', '--subset', 'shape', '--limit', '5'];
  const { status, stdout } = await cli(
    ['eval', 'demo-vqa', ...DATA, '--out', results('endpoint'), ...args, '--json'],
    { env: { OPENAI_API_KEY: 'k' } },
  );
  expect(status).toBe(0);
  expect(JSON.parse(stdout)).toMatchObject({ label: `ov at ${url}`, rows: [{ samples: 5 }] });
  expect(requests).toHaveLength(5);
  expect(requests[0]).toMatchObject({ authorization: 'Bearer k', body: { model: 'ov' } });
});

test('list shows the 30 rows of the card', async () => {
  const { stdout } = await cli(['eval', 'list', '--json']);
  const rows = JSON.parse(stdout);
  expect(rows).toHaveLength(30);
  expect(rows[0]).toMatchObject({
    ...{ name: 'ai2d', title: 'AI2D', family: 'F1', samples: 3088, judge: null, card: 81.4 },
    files: ['data/test-*.parquet'],
  });
  const text = await cli(['eval', 'list']);
  expect(text.stdout).toContain('ai2d: AI2D, F1, about 3088 samples, card 81.4\n');
});

test.each([
  ['no such benchmark', ['nothing'], 'Expected one of ai2d'],
  ['no model', ['ai2d'], 'expected MODEL before the benchmarks, or --endpoint'],
  ['both', ['ai2d', ...MODEL, '--endpoint', 'http://x'], 'do not go with it'],
  ['no URL', ['ai2d', '--endpoint', 'x', '--endpoint-model', 'm'], 'expected http(s)'],
  ['no model of the server', ['ai2d', '--endpoint', 'http://x'], 'needs --endpoint-model'],
  ['subset of two', ['ai2d', 'mme', ...MODEL, '--subset', 'x'], 'one benchmark at a time'],
  ['a limit of nothing', ['ai2d', ...MODEL, '--limit', '0'], 'Not 1 or more'],
  ['too much at a time', ['ai2d', ...MODEL, '--concurrency', '300'], 'Not from 1 to 256'],
  ['other rules', ['ai2d', ...MODEL, '--rules', 'mine'], 'Allowed choices are'],
])('%s is wrong usage', async (_, args, problem) => {
  const { status, stderr } = await cli(['eval', 'run', ...args, ...DATA, '--out', results('no')]);
  expect(stderr).toContain(problem);
  expect(status).toBe(2);
});

test('data that is not there says what is wanted', async () => {
  const { status, stderr } = await cli([
    'eval',
    'run',
    'ai2d',
    ...MODEL,
    ...DATA,
    '--out',
    results('no'),
  ]);
  expect(status).toBe(1);
  expect(stderr).toContain('Expected data/test-*.parquet of the dataset lmms-lab/ai2d');
});

test('a clip on disk is looked at, and one that is missing is an error of its question', async (context) => {
  const data = datasetFolder(nextQa);
  mkdirSync(join(data, 'NExTVideo'));
  const picture = join(ROOT, 'demo/pictures/shape-1.jpg');
  const still = ['-v', 'error', '-loop', '1', '-i', picture, '-frames:v', '40'];
  context.skip(
    spawnSync('ffmpeg', [...still, join(data, 'NExTVideo/7.mp4')]).status !== 0,
    'needs ffmpeg',
  );
  const question = { question: 'what is it', a0: 'a', a1: 'b', a2: 'c', a3: 'd', a4: 'e' };
  writeSplit(
    data,
    { config: 'MC', split: 'test' },
    {
      columns: {
        ...{ video: 'string', qid: 'int', question: 'string', answer: 'int', type: 'string' },
        ...{ a0: 'string', a1: 'string', a2: 'string', a3: 'string', a4: 'string' },
      },
      rows: ['7', '8'].map((video, qid) => ({ ...question, video, qid, answer: 0, type: 'x' })),
    },
  );
  const { status, stdout } = await cli([
    'eval',
    'run',
    'nextqa',
    ...MODEL,
    '--data',
    data,
    '--out',
    results('clips'),
    '--json',
  ]);
  expect(status).toBe(0);
  expect(JSON.parse(stdout).rows).toMatchObject([{ samples: 1, selected: 2, errors: 1 }]);
  const text = readFileSync(join(results('clips'), 'nextqa/answers.jsonl'), 'utf8');
  const records: AnswerRecord[] = text
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));
  const seen = records.find(({ answer }) => answer !== undefined);
  // 32 frames of 16 rows, and a newline.
  expect(seen).toMatchObject({ visualTokens: 32 * 16 + 1, images: 0 });
  expect(records.find(({ error }) => error)?.error?.code).toBe('ERR_EVAL_DATA');
});

test('judge writes requests, takes replies from a file, and asks a server', async () => {
  const { url } = await fakeChatServer(({ body }) =>
    JSON.stringify(body.messages).includes('step by step') ? 'A cat.' : '0.5',
  );
  const data = datasetFolder(mmVet);
  const row = { question: 'What?', answer: 'cat', capability: 'rec' };
  writeSplit(
    data,
    { split: 'test' },
    {
      columns: {
        ...{ image: 'image', question: 'string', answer: 'string' },
        ...{ capability: 'string', question_id: 'string' },
      },
      rows: ['v1_0', 'v1_1'].map((id) => ({ ...row, image: null, question_id: id })),
    },
  );
  const out = results('judged');
  const server = ['--endpoint', url, '--endpoint-model', 'x'];
  const generated = await cli(['eval', 'run', 'mmvet', '--data', data, '--out', out, ...server]);
  expect(generated).toMatchObject({ status: 0, stderr: '' });
  expect(generated.stdout).toContain('not scored (judge required)');

  const written = await cli(['eval', 'judge', out]);
  expect(written.stderr).toBe(`mmvet: 2 requests in ${join(out, 'mmvet/judge-requests.jsonl')}\n`);
  const requests = readFileSync(join(out, 'mmvet/judge-requests.jsonl'), 'utf8');
  const [{ part, id }] = requests
    .split('\n')
    .slice(0, 1)
    .map((line) => JSON.parse(line));
  writeFileSync(results('replies.jsonl'), JSON.stringify({ part, id, reply: '1.0' }));
  const taken = await cli(['eval', 'judge', out, '--replies', results('replies.jsonl'), '--json']);
  expect(JSON.parse(taken.stdout).rows).toMatchObject([{ score: 100, samples: 1 }]);

  const asked = await cli(['eval', 'judge', out, ...server, '--json']);
  expect(asked.stderr).toBe('');
  expect(JSON.parse(asked.stdout).rows).toMatchObject([
    { score: 75, samples: 2, note: expect.stringContaining('judged by x, not comparable') },
  ]);
  const both = await cli(['eval', 'judge', out, ...server, '--replies', 'f']);
  expect(both.status).toBe(2);
});
