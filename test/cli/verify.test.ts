/** Files against tables of known answers, made here of what the reference implementation said about two checkpoints. */
import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { cli } from '../support/cli.js';
import { convertedFiles, goldenCases } from '../support/golden.js';
import { ECHO, echoLogits, writeEchoDecoder } from '../support/tiny-decoder.js';
import {
  demoTable,
  named,
  picture,
  question,
  statuses,
  verifyRig,
} from '../support/verify-runs.js';

const { dir, tableFile, verify } = verifyRig();

let files: Record<'f32' | 'f16' | 'q8_0', { model: string; mmproj: string }>;

beforeAll(async () => {
  files = {
    f32: await convertedFiles('demo', 'f32'),
    f16: await convertedFiles('demo', 'f16'),
    q8_0: await convertedFiles('demo', 'q8_0'),
  };
});

afterAll(() => rmSync(join(files.f32.model, '../..'), { recursive: true, force: true }));

describe('the demo', () => {
  test.each(['f32', 'f16', 'q8_0'] as const)('in %s passes, files in any order', async (type) => {
    const { model, mmproj } = files[type];
    const table = tableFile(demoTable());
    const { status, report } = await verify(
      ...[mmproj, model, '--table', table, '--image', picture.image],
    );
    expect(report).toMatchObject({
      ...{ table: 'demo', passed: true, isOnGpu: false },
      ...{ model: { path: model, type }, mmproj: { path: mmproj, type } },
    });
    expect(statuses(report)).toEqual({
      sizes: 'pass',
      'prompt in dialect llava-next': 'pass',
      'tiles of the picture': 'pass',
      'grid [columns, rows]': 'pass',
      'feature map [rows, columns]': 'pass',
      'visual rows of the picture': 'pass',
      'values of visual rows, relative': 'pass',
      [`answer to "${question.text}"`]: 'pass',
    });
    const { difference, bound } = named(report, 'values');
    expect(difference).toBeGreaterThan(0);
    expect(difference).toBeLessThan(bound!);
    expect(status).toBe(0);
  });

  test('a table that is wrong everywhere fails everywhere, with the figures', async () => {
    const table = demoTable();
    table.tokens = [{ text: 'a', ids: [1, 2] }];
    table.prompts![0]!.ids.pop();
    table.logits = { tokens: [5], ids: [0, 1], values: [[1e3, -1e3]] };
    Object.assign(table.picture, { tiles: 99, grid: [9, 9], final: [1, 1], rows: 3 });
    table.picture.visualRows![0]!.values[0]! += 10;
    table.answers![0] = { question: question.text, starts: ['No'], tokens: [[1, 2]] };
    const { status, report } = await verify(
      ...['--model', files.f32.model, '--mmproj', files.f32.mmproj],
      ...['--table', tableFile(table), '--image', picture.image],
    );
    const { sizes, ...rest } = statuses(report);
    expect(sizes).toBe('pass');
    expect(new Set(Object.values(rest))).toEqual(new Set(['fail']));
    expect(Object.keys(rest)).toHaveLength(9);
    expect(report.passed).toBe(false);
    expect(named(report, 'logits').difference).toBeGreaterThan(900);
    expect(named(report, 'grid')).toMatchObject({ expected: '[9,9]' });
    expect(named(report, 'answer').got).toContain('A green');
    expect(status).toBe(1);
  });

  test('without the picture, or the mmproj, what needs them is skipped', async () => {
    const table = { ...demoTable() };
    table.picture = { ...table.picture, url: 'https://example.org/p.png' };
    const path = tableFile(table);
    const noPicture = await verify(files.f32.model, files.f32.mmproj, '--table', path);
    expect(noPicture.status).toBe(0);
    expect(statuses(noPicture.report)).toMatchObject({
      'visual rows of the picture': 'pass',
      'values of visual rows': 'skipped',
      [`answer to "${question.text}"`]: 'skipped',
    });
    expect(named(noPicture.report, 'values').note).toContain('https://example.org/p.png');
    const alone = await verify(files.f32.model, '--table', path);
    expect(alone).toMatchObject({ status: 0, report: { mmproj: null } });
    expect(named(alone.report, 'tiles')).toMatchObject({ status: 'skipped' });
  });

  test('another picture fails, and nothing is asked about it', async () => {
    const table = demoTable();
    table.picture.sha256 = '0'.repeat(64);
    table.picture.url = 'https://example.org/p.png';
    const { status, report } = await verify(
      ...[files.f32.model, files.f32.mmproj],
      ...['--table', tableFile(table), '--image', picture.image],
    );
    expect(status).toBe(1);
    expect(statuses(report)).toMatchObject({
      'SHA-256 of the picture': 'fail',
      'values of visual rows': 'skipped',
    });
    expect(named(report, 'SHA-256').note).toMatch(
      /is another file.*https:\/\/example\.org\/p\.png/,
    );
  });

  test('coarse types are shown, not judged', async () => {
    await cli([
      ...['convert', join(import.meta.dirname, '../../demo/checkpoint'), '--outdir', dir],
      ...['--name', 'coarse', '--outtype', 'q4_0'],
    ]);
    const table = demoTable();
    table.logits = { tokens: [5], ids: [0], values: [[1e3]] };
    table.answers![0]!.starts = ['No'];
    const { status, report } = await verify(
      ...[join(dir, 'coarse-q4_0.gguf'), join(dir, 'mmproj-coarse-f16.gguf')],
      ...['--table', tableFile(table), '--image', picture.image],
    );
    expect(status).toBe(0);
    expect(named(report, 'logits')).toMatchObject({ status: 'shown' });
    expect(named(report, 'answer')).toMatchObject({ status: 'shown' });
    expect(named(report, 'values')).toMatchObject({ status: 'pass' });
  });

  test('the report for people has the figures, and names the files', async () => {
    const table = demoTable();
    table.picture.rows = 1;
    const { status, stdout } = await cli([
      ...['verify', files.f32.model, files.f32.mmproj, '--table', tableFile(table)],
      ...['--threads', '1'],
    ]);
    expect(status).toBe(1);
    expect(stdout).toContain(`${files.f32.model} (f32) and ${files.f32.mmproj} (f32)`);
    expect(stdout).toMatch(/FAIL {2}visual rows of the picture\n +expected 1\n +got +\d+/);
    expect(stdout).toMatch(/Failed: \d+ passed, 1 failed, 2 skipped/);
  });
});

describe('logits', () => {
  test('are those of the reference, at the end of a prompt', async () => {
    const { id, promptTokens } = goldenCases('tiny384').find(({ id }) => id === 'text-only')!;
    const file = readFileSync(join(import.meta.dirname, `../golden/tiny384/${id}.safetensors`));
    const length = Number(file.readBigUInt64LE(0));
    const { logits } = JSON.parse(file.toString('utf8', 8, 8 + length));
    const [start, end] = logits.data_offsets.map((offset: number) => 8 + length + offset);
    const expected = [...new Float32Array(Uint8Array.from(file.subarray(start, end)).buffer)];
    const { model } = await convertedFiles('tiny384', 'f32');
    const table = {
      name: 'text-only',
      model: { layers: 2, embeddingSize: 64 },
      logits: {
        tokens: promptTokens,
        ids: expected.map((_, i) => i),
        values: promptTokens.map((_, i) => (i === promptTokens.length - 1 ? expected : null)),
      },
    };
    const config = join(import.meta.dirname, '../golden/checkpoints/tiny384/config.json');
    const { num_hidden_layers, hidden_size } = JSON.parse(readFileSync(config, 'utf8'));
    table.model = { layers: num_hidden_layers, embeddingSize: hidden_size };
    const { status, report } = await verify(model, '--table', tableFile(table));
    expect(report.checks).toHaveLength(2);
    expect(named(report, 'logits')).toMatchObject({
      name: `logits at position ${promptTokens.length - 1}`,
      status: 'pass',
    });
    expect(named(report, 'logits').difference).toBeLessThan(2e-3);
    expect(status).toBe(0);
  });

  test('are the raw ones, not log-probabilities, at every position', async () => {
    const path = join(dir, 'echo.gguf');
    await writeEchoDecoder(path);
    const tokens = [7, 100, 3];
    const values = tokens.map((token) =>
      echoLogits(Float32Array.from({ length: ECHO.nEmbd }, (_, i) => (i === token ? 1 : 0))).slice(
        0,
        8,
      ),
    );
    const table = {
      name: 'echo',
      model: { layers: ECHO.nLayer, embeddingSize: ECHO.nEmbd },
      logits: { tokens, ids: [0, 1, 2, 3, 4, 5, 6, 7], values },
    };
    const { report } = await verify(path, '--table', tableFile(table));
    expect(report.passed).toBe(true);
    expect(report.checks.map(({ difference }) => difference! < 1e-3)).toEqual([
      false,
      true,
      true,
      true,
    ]);
  });

  test('of an id beyond the vocabulary fail', async () => {
    const table = { ...demoTable(), logits: { tokens: [99999], ids: [0], values: [[0]] } };
    const { status, report } = await verify(files.f32.model, '--table', tableFile(table));
    expect(status).toBe(1);
    expect(named(report, 'vocabulary')).toMatchObject({ status: 'fail' });
  });
});

describe('wrong usage', () => {
  test('says what is missing or too much', async () => {
    const { model, mmproj } = files.f32;
    const table = ['--table', tableFile({ name: 'x', model: { layers: 3, embeddingSize: 256 } })];
    const cases: [string[], RegExp, number][] = [
      [[mmproj], /no decoder/, 2],
      [[model, model], /both decoders/, 2],
      [[mmproj, '--model', model, '--mmproj', mmproj], /both mmproj files/, 2],
      [[model], /--table/, 2],
      [[model, mmproj, ...table, '--image', 'p.png'], /a table with a picture/, 2],
      [[model, '--table', 'absent.json'], /absent\.json/, 2],
      [['absent.gguf'], /absent\.gguf/, 1],
      [
        [model, mmproj, '--table', tableFile(demoTable()), '--image', 'absent.png'],
        /absent\.png/,
        1,
      ],
    ];
    for (const [args, message, expected] of cases) {
      const { status, stdout, stderr } = await cli(['verify', ...args, '--threads', '1']);
      expect(stderr, args.join(' ')).toMatch(message);
      expect({ status, stdout }).toEqual({ status: expected, stdout: '' });
    }
  });
});
