// Many pictures through the command line: killed and gone on with, what is recorded, what is wrong usage; docs/batch.md.
import { spawn } from 'node:child_process';
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { LlavaOneVision } from '../../src/index.js';
import { cli, MAIN } from '../support/cli.js';
import { commandsOf, runSnippet, snippetsOf } from '../support/snippets.js';

const DEMO = join(import.meta.dirname, '../../demo');
const folder = mkdtempSync(join(tmpdir(), 'cli-batch-'));
const at = (name: string) => join(folder, name);
const FILES = { model: at('ov-f16.gguf'), mmproj: at('mmproj-ov-f16.gguf') };
const MODEL = ['--model', FILES.model, '--mmproj', FILES.mmproj, '--threads', '1'];
const COLOR = ['--prompt', 'What color is the shape?'];
const args = (out: string, ...more: string[]) => [
  ...['batch', ...MODEL, ...COLOR, '--out', at(out), '--input', at('photos/**/*.jpg')],
  ...more,
];
const recordsOf = (name: string) =>
  readFileSync(at(name), 'utf8')
    .split('\n')
    .slice(0, -1)
    .map((line) => JSON.parse(line));

beforeAll(async () => {
  const named = ['--outdir', folder, '--name', 'ov'];
  expect((await cli(['convert', join(DEMO, 'checkpoint'), ...named])).status).toBe(0);
  for (let i = 0; i < 12; i++) {
    mkdirSync(at(`photos/${i % 3}`), { recursive: true });
    cpSync(join(DEMO, 'pictures/shape-1.jpg'), at(`photos/${i % 3}/${i}.jpg`));
  }
  writeFileSync(at('photos/1/broken.jpg'), 'no picture');
  const questions = ['What color is the shape?', 'What is shown in this image?'];
  const lines = questions.map((prompt, i) =>
    JSON.stringify({ id: `q${i}`, image: 'photos/0/0.jpg', prompt }),
  );
  writeFileSync(at('questions.jsonl'), lines.join('\n'));
  const properties = { color: { enum: ['red', 'orange'] }, round: { type: 'boolean' } };
  const schema = {
    type: 'object',
    properties,
    required: ['color', 'round'],
    additionalProperties: false,
  };
  writeFileSync(at('shape.schema.json'), JSON.stringify(schema));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

test('answers go to the file in the order of the names, failures too', async () => {
  const { status, stdout, stderr } = await cli([...args('whole.jsonl'), '--json']);
  expect(stderr).toBe('');
  expect(status).toBe(0);
  expect(JSON.parse(stdout)).toEqual({ done: 13, asked: 13, errors: 1, repeated: 0 });
  const records = recordsOf('whole.jsonl');
  expect(records.map(({ id }) => id.slice(at('photos/').length))).toEqual(
    [
      '0/0',
      '0/3',
      '0/6',
      '0/9',
      '1/1',
      '1/10',
      '1/4',
      '1/7',
      '1/broken',
      '2/11',
      '2/2',
      '2/5',
      '2/8',
    ].map((name) => `${name}.jpg`),
  );
  expect(records[8]).toMatchObject({ error: { code: 'ERR_IMAGE_DECODE' } });
  expect(records[0]).toMatchObject({ text: 'Orange.', finishReason: 'stop' });
});

test('five kills, and the same command ends with the same file', async () => {
  const length = () =>
    existsSync(at('killed.jsonl')) ? readFileSync(at('killed.jsonl')).length : 0;
  for (const share of [0, 0.1, 0.3, 0.5, 0.7]) {
    const limit = share * readFileSync(at('whole.jsonl')).length;
    const child = spawn(process.execPath, [MAIN, ...args('killed.jsonl')], { stdio: 'ignore' });
    const ended = new Promise((resolve) => child.on('close', resolve));
    while (!existsSync(at('killed.jsonl')) || length() < limit)
      await new Promise((resolve) => setTimeout(resolve, 1));
    child.kill('SIGKILL');
    await ended;
  }
  const before = recordsOfWhole();
  const { stdout } = await cli([...args('killed.jsonl'), '--json']);
  expect(JSON.parse(stdout)).toMatchObject({ done: 13, asked: 13 - before });
  expect(readFileSync(at('killed.jsonl'))).toEqual(readFileSync(at('whole.jsonl')));
});

/** Lines that the last kill has left whole. */
const recordsOfWhole = () => readFileSync(at('killed.jsonl'), 'utf8').split('\n').length - 1;

test('--fail-on-error is status 1, of errors before, too; Ctrl-C is 130', async () => {
  expect((await cli(args('whole.jsonl', '--fail-on-error'))).status).toBe(1);
  // More of stdin may come, but nobody waits for it.
  const input = [
    'batch',
    ...MODEL,
    '--input',
    '-',
    '--media',
    folder,
    '--out',
    at('stopped.jsonl'),
  ];
  const child = spawn(process.execPath, [MAIN, ...input], { stdio: ['pipe', 'ignore', 'pipe'] });
  let stderr = '';
  child.stderr.on('data', (chunk) => {
    stderr += chunk;
  });
  const ended = new Promise((resolve) => child.on('close', resolve));
  child.stdin.write(`${readFileSync(at('questions.jsonl'), 'utf8')}\n`);
  while (!existsSync(at('stopped.jsonl')) || recordsOf('stopped.jsonl').length < 2)
    await new Promise((resolve) => setTimeout(resolve, 5));
  child.kill('SIGINT');
  expect(await ended).toBe(130);
  expect(stderr).toContain('the same command goes on from here');
  expect(existsSync(at('stopped.jsonl.lock'))).toBe(false);
});

test('lines of stdin are questions', async () => {
  const input = ['batch', ...MODEL, '--input', '-', '--media', folder, '--out', at('stdin.jsonl')];
  const { status } = await cli(input, { stdin: readFileSync(at('questions.jsonl'), 'utf8') });
  expect(status).toBe(0);
  expect(recordsOf('stdin.jsonl').map(({ id }) => id)).toEqual(['q0', 'q1']);
});

test.each([
  ['nothing found', ['--input', at('photos/*.webp'), ...COLOR], '--input'],
  ['no prompt', ['--input', at('photos')], '--prompt'],
])('%s is wrong usage, before a model is loaded', async (_, more, said) => {
  const out = ['--out', at('none.jsonl')];
  const { status, stderr } = await cli([
    ...['batch', '--model', 'absent.gguf', '--mmproj', 'absent.gguf', ...out, ...more],
  ]);
  expect(stderr).toContain(said);
  expect(status).toBe(2);
});

test('the file of another question is refused', async () => {
  const { status, stderr } = await cli(args('whole.jsonl', '--max-tokens', '3'));
  expect(stderr).toContain('other options');
  expect(status).toBe(1);
});

test("the page's commands do what it says", async () => {
  // A folder goes before the model of that name.
  mkdirSync(at('0.5b-ov'));
  for (const file of Object.values(FILES)) cpSync(file, join(at('0.5b-ov'), basename(file)));
  for (const [name, ...rest] of snippetsOf('docs/batch.md', 'sh').flatMap(commandsOf)) {
    expect(name).toBe('llava-onevision');
    const { status, stderr } = await cli([...rest, '--threads', '1'], { cwd: folder });
    expect(stderr).toBe('');
    expect(status).toBe(0);
  }
  expect(recordsOf('captions.jsonl')[0]).toMatchObject({ id: 'photos/0/0.jpg', text: 'Orange.' });
  expect(recordsOf('answers.jsonl')).toMatchObject([{ id: 'q0', text: 'Orange.' }, { id: 'q1' }]);
  const table = readFileSync(at('shapes.csv'), 'utf8').split('\n');
  expect(table[0]).toMatch(/^id,text,parsed\.color,parsed\.round,finishReason,/);
  expect(table[1]).toMatch(/^photos\/0\/0\.jpg,"\{""color.*,(red|orange),(true|false),stop,/);
});

test("the page's snippets print what they say", async () => {
  const model = await LlavaOneVision.load({ ...FILES, threads: 1, contextSize: 4096 });
  const [first, second, ...others] = snippetsOf('docs/batch.md');
  expect(others).toEqual([]);
  const pictures = [at('photos/0/0.jpg'), at('photos/1/broken.jpg')];
  const printed = (await runSnippet(first!, { model, pictures })).split('\n').sort();
  expect(printed).toEqual([`${pictures[0]} Orange.`, `${pictures[1]} ERR_IMAGE_DECODE`]);
  expect(await runSnippet(second!, { model, out: at('rows.jsonl') })).toBe('3 3 0\n0');
  await model.dispose();
});
