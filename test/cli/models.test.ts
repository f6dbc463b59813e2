/** Models by their names through the command line: one word from an empty home, then without a network. */
import { chmodSync, existsSync, readFileSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import {
  ANSWER,
  checkpoint,
  DEMO,
  NAME,
  namedModelRig,
  PICTURE,
  QUESTION,
  REPO,
} from '../support/named-model.js';
import { skipUnless } from '../support/skip-unless.js';
import { demoTable } from '../support/verify-runs.js';

const rig = namedModelRig();
const at = (name: string) => join(rig.home, name);
const THREADS = ['--threads', '1'];
const ask = (model: string, ...more: string[]) =>
  rig.run(['run', model, PICTURE, QUESTION, ...THREADS, ...more]);
const list = async () => JSON.parse((await rig.run(['models', 'ls', '--json'])).stdout);

const COMMANDS: Record<string, () => [args: string[], stdin?: string]> = {
  run: () => [['run', NAME, PICTURE, QUESTION]],
  chat: () => [['chat', NAME], `/image ${PICTURE}\n${QUESTION}\n`],
  batch: () => [
    ['batch', NAME, '--input', PICTURE, '--prompt', QUESTION, '--out', at('answers.jsonl')],
  ],
  bench: () => [
    ['bench', NAME, '--runs', '1', '--prompt-tokens', '40', '--tokens', '4', '--image', PICTURE],
  ],
  // Stopped when it says where it is.
  serve: () => [['serve', NAME, '--port', '0', '--keep-checkpoint']],
  'eval run': () => [
    ['eval', 'run', NAME, 'demo-vqa', '--data', DEMO, '--out', at('results'), '--limit', '1'],
  ],
  verify: () => {
    writeFileSync(at('table.json'), JSON.stringify(demoTable()));
    return [['verify', NAME, '--table', at('table.json')]];
  },
};

describe('from an empty home with one name, then offline', () => {
  test.each(Object.keys(COMMANDS))('%s', async (name) => {
    rig.hub.commit(REPO, checkpoint);
    const [args, stdin = ''] = COMMANDS[name]!();
    const options = { stdin, interrupt: name === 'serve' };
    const first = await rig.run([...args, ...THREADS], options);
    expect(first.status, first.stderr).toBe(0);
    expect(rig.hub.downloads('model.safetensors')).not.toEqual([]);
    rig.hub.requests.length = 0;
    const again = await rig.run([...args, ...THREADS, '--offline'], options);
    expect([again.status, rig.hub.requests], again.stderr).toEqual([0, []]);
    if (name === 'serve') expect(again.stdout).toMatch(/^0\.5b-ov at http:/);
    if (name === 'run' || name === 'chat')
      expect([first.stdout, again.stdout]).toEqual([ANSWER, ANSWER]);
  });

  test('doctor says what would happen, and does not do it', async () => {
    rig.hub.commit(REPO, checkpoint);
    const { stdout, stderr } = await rig.run(['doctor', `${NAME}:q8_0`]);
    expect(stdout, stderr).toMatch(
      /6\.04 MB would be downloaded, then about .* \(q8_0, as asked for\)/,
    );
    expect(existsSync(at('hub'))).toBe(false);
    expect(existsSync(at('cache'))).toBe(false);
    await ask(NAME);
    const { model } = JSON.parse((await rig.run(['doctor', NAME, '--offline', '--json'])).stdout);
    expect(model).toMatchObject({ fits: true, model: expect.stringContaining('-f16.gguf') });
    const shown = await rig.run(['inspect', NAME, '--image-size', '640x480', '--json']);
    expect(JSON.parse(shown.stdout).images).toMatchObject([{ width: 640, height: 480 }]);
  });

  test('offline, what is not there is said', async () => {
    const { status, stdout, stderr } = await ask(NAME, '--offline');
    expect([status, stdout, rig.hub.requests]).toEqual([1, '', []]);
    expect(stderr).toContain(REPO);
  });
});

describe('the words of run', () => {
  test('a picture from stdin, a question from stdin, the model by a flag', async () => {
    const stdin = readFileSync(PICTURE);
    const piped = await rig.run(['run', 'demo', '-', QUESTION, ...THREADS], { stdin });
    expect(piped).toEqual({ status: 0, stdout: ANSWER, stderr: '' });
    const asked = ['run', '--model', 'demo', PICTURE, '--prompt', '-', ...THREADS];
    expect((await rig.run(asked, { stdin: QUESTION })).stdout).toBe(ANSWER);
    expect(rig.hub.requests).toEqual([]);
  });

  test('a folder of pictures is wrong usage, and batch is named', async () => {
    const { status, stdout, stderr } = await rig.run(['run', 'demo', DEMO, 'x']);
    expect(stderr).toMatch(/is a folder.*batch MODEL --input '.*demo\/\*'/);
    expect([status, stdout]).toEqual([2, '']);
  });

  test('a question without quotes, and a picture in place of the model, are wrong usage', async () => {
    const loose = await rig.run(['run', 'demo', PICTURE, ...QUESTION.split(' ')]);
    expect([loose.status, loose.stderr]).toEqual([2, expect.stringContaining('in quotes')]);
    const nameless = await rig.run(['run', PICTURE, QUESTION]);
    expect([nameless.status, nameless.stderr]).toEqual([
      2,
      expect.stringMatching(/missing MODEL before .*jpg/),
    ]);
  });
});

describe('models', () => {
  test('lists names, types, sizes and sources; rm and prune take away', async () => {
    expect((await rig.run(['models'])).stderr).toContain('No models yet');
    const commit = rig.hub.commit(REPO, checkpoint);
    for (const name of [NAME, `${NAME}:q8_0`, 'demo']) expect((await ask(name)).status).toBe(0);
    const shown = await list();
    const names = shown.map(({ name }: { name: string }) => name);
    expect(names).toEqual(['demo:f16', `${NAME}:q8_0`, `${NAME}:f16`]);
    expect(shown[1]).toMatchObject({
      type: 'q8_0',
      origin: { repo: REPO, commit },
      isCurrent: true,
    });
    const { stdout } = await rig.run(['models']);
    expect(stdout).toMatch(
      new RegExp(
        `0\\.5b-ov:q8_0 +[\\d.]+ MB +2\\d{3}-\\d\\d-\\d\\d +${REPO} at ${commit.slice(0, 12)}`,
      ),
    );

    const wrong = await rig.run(['models', 'rm', '0.5b-ov:f17']);
    expect([wrong.status, wrong.stderr]).toEqual([
      2,
      expect.stringContaining('Did you mean 0.5b-ov:f16?'),
    ]);
    expect((await rig.run(['models', 'rm', `${NAME}:f16`])).stdout).toBe(`${NAME}:f16 deleted\n`);
    // The other type needs the mmproj still.
    expect((await ask(`${NAME}:q8_0`, '--offline')).stdout).toBe(ANSWER);

    const { files } = (await list()).find(({ name }: { name: string }) => name === 'demo:f16');
    const long = new Date(Date.now() - 31 * 86_400_000);
    utimesSync(files.model.replace('.gguf', '.json'), long, long);
    expect((await rig.run(['models', 'prune', '--older-than', '30d'])).stdout).toBe(
      'demo:f16 deleted\n',
    );
    expect((await rig.run(['models', 'rm', NAME])).stdout).toBe(`${NAME}:q8_0 deleted\n`);
    expect(rig.kept()).toEqual([]);
  });

  const isHeld = skipUnless(process.getuid?.() !== 0, 'root may write into any folder');
  test('a cache that is read-only does while it is complete', isHeld, async () => {
    await ask('demo');
    const { files } = (await list())[0];
    const folders = [join(files.model, '..'), join(files.model, '../..'), at('cache')];
    for (const folder of folders) chmodSync(folder, 0o555);
    expect(await ask('demo')).toEqual({ status: 0, stdout: ANSWER, stderr: '' });
    for (const folder of folders) chmodSync(folder, 0o755);
  });

  test('a cache that cannot be written is named', async () => {
    writeFileSync(at('file'), '');
    const env = { LLAVA_ONEVISION_CACHE: at('file') };
    const { status, stderr } = await rig.run(['run', 'demo', PICTURE, QUESTION], { env });
    expect([status, stderr]).toEqual([1, expect.stringContaining('LLAVA_ONEVISION_CACHE')]);
  });
});
