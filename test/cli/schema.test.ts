/** The command schema, and the flags and lines about the shape of an answer. */
import { spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { cli, MAIN } from '../support/cli.js';
import { convertedFiles } from '../support/golden.js';
import { skipUnless } from '../support/skip-unless.js';

const folder = mkdtempSync(join(tmpdir(), 'cli-schema-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const write = (name: string, text: string): string => {
  const file = join(folder, name);
  writeFileSync(file, text);
  return file;
};
const COLOUR = write(
  'colour.json',
  '{ "type": "object", "properties": { "colour": { "enum": ["red", "blue"] } }, "required": ["colour"], "additionalProperties": false }',
);
let files: string[];
beforeAll(async () => {
  const { model, mmproj } = await convertedFiles('demo', 'f16');
  files = ['--model', model, '--mmproj', mmproj, '--threads', '1', '--context-size', '1024'];
});

test('schema prints the grammar', async () => {
  const { status, stdout, stderr } = await cli(['schema', COLOUR]);
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  expect(stdout).toMatch(/^root ::= /);
});

const onUnix = skipUnless(process.platform !== 'win32', 'needs pipes with names');

test('a schema may come through a pipe, and is not waited for for ever', onUnix, async () => {
  const script = `cat ${COLOUR} | "$0" "$1" schema /dev/stdin`;
  const { stdout } = spawnSync('sh', ['-c', script, process.execPath, MAIN], { encoding: 'utf8' });
  expect(stdout).toBe((await cli(['schema', COLOUR])).stdout);

  const pipe = join(folder, 'pipe');
  spawnSync('mkfifo', [pipe]);
  const child = spawn(process.execPath, [
    ...[MAIN, '--quiet', 'run', ...files, '--schema', pipe, '--prompt', 'x'],
  ]);
  // It has opened the pipe once a writer need not wait.
  await writerOf(pipe);
  child.kill('SIGINT');
  expect(await new Promise((resolve) => child.on('close', resolve))).toBe(130);
});

/** A writer that writes nothing, and goes when this process does. */
async function writerOf(pipe: string): Promise<void> {
  const writer = await open(pipe, 'w');
  writers.push(writer);
}
const writers: FileHandle[] = [];
afterAll(() => Promise.all(writers.map((writer) => writer.close())));

test('schema says why there is none', async () => {
  const file = write(
    'unique.json',
    '{"properties": {"a": {"type": "array", "uniqueItems": true}}}',
  );
  const { status, stdout, stderr } = await cli(['schema', file]);
  expect({ status, stdout }).toEqual({ status: 1, stdout: '' });
  expect(stderr).toContain('"uniqueItems" of the schema at /properties/a');
});

test('schema judges an instance, however it is laid out', async () => {
  const good = write('good.json', '{\n  "colour" : "red"\n}\n');
  const bad = write('bad.json', '{"colour": "green"}');
  expect(await cli(['schema', COLOUR, '--instance', good])).toMatchObject({
    ...{ status: 0, stdout: 'admitted\n' },
  });
  expect(await cli(['schema', COLOUR, '--instance', bad])).toMatchObject({
    ...{ status: 1, stdout: 'not admitted\n' },
  });
});

test('a file that is no JSON is named', async () => {
  const { status, stderr } = await cli(['schema', write('none.json', '{')]);
  expect([status, stderr]).toEqual([2, expect.stringMatching(/^error: .*none\.json/)]);
  const table = write('a.csv', 'a,b');
  expect(await cli(['schema', COLOUR, '--instance', table])).toMatchObject({
    ...{ status: 2, stderr: expect.stringMatching(/^error: option '--instance <file>': .*a\.csv/) },
  });
});

test('run keeps --schema and --json-object', async () => {
  const ask = (...more: string[]) => cli(['run', ...files, '--prompt', 'Hello?', ...more]);
  const { stdout, stderr } = await ask('--schema', COLOUR);
  expect(stderr).toBe('');
  expect(['red', 'blue']).toContain(JSON.parse(stdout).colour);
  const { parsed } = JSON.parse((await ask('--schema', COLOUR, '--json')).stdout);
  expect(['red', 'blue']).toContain(parsed.colour);
  const object = await ask('--json-object', '--max-tokens', '30');
  expect(object.stdout).toMatch(/^\{/);
});

test('chat has /schema', async () => {
  const stdin = `/schema ${COLOUR}\nHello?\n/schema\n/schema ${join(folder, 'missing.json')}\n/exit\n`;
  const { stdout, stderr, status } = await cli(['chat', ...files], { stdin });
  expect(['red', 'blue']).toContain(JSON.parse(stdout).colour);
  expect(stderr).toContain('Answers keep');
  expect(stderr).toContain('Answers are free.');
  expect(stderr).toContain('missing.json');
  expect(status).toBe(1);
});
