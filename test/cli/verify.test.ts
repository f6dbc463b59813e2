/** Files against tables of known answers, made here of what the reference implementation said about two checkpoints. */
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { chooseTable } from '../../src/verify/choose-table.js';
import { type KnownAnswers, readBuiltIn } from '../../src/verify/known-answers.js';
import { checkGeometry } from '../../src/verify/picture-checks.js';
import type { CheckResult, VerifyReport } from '../../src/verify/report.js';
import { readVisionConfig } from '../../src/vision/vision-config.js';
import { cli } from '../support/cli.js';
import { convertedFiles, goldenCases, goldenRows } from '../support/golden.js';
import { ECHO, echoLogits, temporaryFolder, writeEchoDecoder } from '../support/tiny-decoder.js';

const { path: dir, remove } = temporaryFolder();
afterAll(remove);

const golden = goldenCases('demo').find(({ id }) => id === 'shape-0')!;
const [picture, question] = golden.messages[0]!.content as unknown as [
  { image: string },
  { text: string },
];

/** As the reference, in f32, saw the first golden picture of the demo. */
function demoTable(): KnownAnswers & { picture: NonNullable<KnownAnswers['picture']> } {
  const { rowIndex, rows } = goldenRows(golden, 0);
  const width = rows.length / rowIndex.length;
  const [media] = golden.media;
  return {
    name: 'demo',
    model: { layers: 3, embeddingSize: 256 },
    prompts: [
      {
        dialect: 'llava-next',
        question: question.text,
        ids: golden.promptTokens.map((id) => (id === -200 ? -1 : id)),
      },
    ],
    picture: {
      ...sizeOf(picture.image),
      grid: media!.grid!,
      final: media!.final!,
      tiles: media!.tiles.length,
      rows: media!.rows,
      visualRows: Array.from(rowIndex, (row, i) => ({
        row,
        values: [...rows.subarray(i * width, (i + 1) * width)],
      })),
    },
    answers: [{ question: question.text, starts: [golden.greedy.text] }],
  };
}

/** Of a PNG, from its header. */
function sizeOf(path: string): { width: number; height: number } {
  const bytes = readFileSync(path);
  return { width: bytes.readUInt32BE(16), height: bytes.readUInt32BE(20) };
}

let nTables = 0;
function tableFile(table: unknown): string {
  const path = join(dir, `table-${nTables++}.json`);
  writeFileSync(path, typeof table === 'string' ? table : JSON.stringify(table));
  return path;
}

async function verify(...args: string[]): Promise<{ status: number | null; report: VerifyReport }> {
  const { status, stdout, stderr } = await cli(['verify', ...args, '--threads', '1', '--json']);
  expect(stderr).toBe('');
  return { status, report: JSON.parse(stdout) };
}

const statuses = ({ checks }: VerifyReport) =>
  Object.fromEntries(checks.map(({ name, status }) => [name, status]));
const named = ({ checks }: VerifyReport, start: string) =>
  checks.find(({ name }) => name.startsWith(start)) as CheckResult;

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

describe('tables', () => {
  test('those of the eight published models are there, in form, and true of their geometry', async () => {
    const { mmproj } = await convertedFiles('tiny384', 'f32');
    const vision = await readVisionConfig(mmproj);
    const tables = await readBuiltIn();
    expect(tables.map(({ name }) => name)).toEqual([
      '0.5b-ov',
      '0.5b-si',
      '72b-ov',
      '72b-ov-chat',
      '72b-si',
      '7b-ov',
      '7b-ov-chat',
      '7b-si',
    ]);
    for (const { picture, logits, answers, prompts } of tables) {
      expect(picture).toMatchObject({ rows: 6551, tiles: 10 });
      // The file itself, not a page about it.
      expect(picture!.url).toMatch(
        /^https:\/\/raw\.githubusercontent\.com\/.*\/[0-9a-f]{40}\/.*\.jpg$/,
      );
      expect(logits!.values.flat()).toHaveLength(9);
      expect(answers).toHaveLength(1);
      expect(prompts![0]!.ids).toHaveLength(28);
      const checks = checkGeometry({ picture, vision, dialect: 'llava-next' });
      expect(checks.map(({ status }) => status)).toEqual(['pass', 'pass', 'pass', 'pass']);
    }
  });

  const decoder = (metadata: Record<string, string>, sizes = { nLayer: 28, nEmbd: 3584 }) =>
    ({
      ...sizes,
      path: 'm.gguf',
      gguf: { metadata: new Map(Object.entries(metadata)) },
    }) as Parameters<typeof chooseTable>[0];

  test.each([
    [{ 'general.source.huggingface.repository': 'lmms-lab/llava-onevision-qwen2-7b-ov' }, '7b-ov'],
    [
      { 'general.source.repo_url': 'https://hub/llava-hf/llava-onevision-qwen2-7b-ov-chat-hf' },
      '7b-ov-chat',
    ],
    [{ 'general.name': 'llava-onevision-qwen2-7b-si' }, '7b-si'],
    [{ 'general.name': 'LLaVA-OneVision-Qwen2-7B-OV-hf' }, '7b-ov'],
  ])('the file’s metadata says which it is: %j', async (metadata, name) => {
    expect((await chooseTable(decoder(metadata))).name).toBe(name);
  });

  test('a fine-tune, or the name of another size, is none of them', async () => {
    for (const [facts, message] of [
      [decoder({ 'general.name': 'llava-onevision-qwen2-7b-ov-mine' }), /7b-ov, 7b-ov-chat, 7b-si/],
      [decoder({ 'general.name': 'llava-onevision-qwen2-0.5b-ov' }), /does not tell/],
      [decoder({}, { nLayer: 3, nEmbd: 256 }), /3 layers of 256/],
    ] as const)
      await expect(chooseTable(facts)).rejects.toMatchObject({
        code: 'ERR_INVALID_ARGUMENT',
        argument: 'table',
        message: expect.stringMatching(message),
      });
  });

  test('another model fails and is not loaded', async () => {
    const { status, report } = await verify(files.f32.model, '--table', '7b-ov');
    expect(status).toBe(1);
    expect(statuses(report)).toEqual({ sizes: 'fail', 'everything else': 'skipped' });
  });

  const model = { layers: 3, embeddingSize: 256 };
  test.each([
    ['no JSON', '{'],
    ['no object', []],
    ['no name', { model }],
    ['no sizes', { name: 'x', model: { layers: 3 } }],
    ['an unknown field', { name: 'x', model, logit: {} }],
    ['too few logits', { name: 'x', model, logits: { tokens: [1], ids: [0, 1], values: [[1]] } }],
    [
      'a text for a number',
      { name: 'x', model, logits: { tokens: [1], ids: [0], values: [['1']] } },
    ],
    ['a grid of one', { name: 'x', model, picture: { width: 1, height: 1, grid: [1] } }],
    ['a dialect that is none', { name: 'x', model, dialect: 'other' }],
  ])('a file with %s is refused', async (_, table) => {
    const path = tableFile(table);
    const outcome = await cli(['verify', files.f32.model, '--table', path]);
    expect(outcome).toMatchObject({ status: 2, stdout: '' });
    expect(outcome.stderr).toContain(path);
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

mkdirSync(dir, { recursive: true });
