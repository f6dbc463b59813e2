/** The JSON files of checkpoints, randomly changed: each is planned or refused, soon, before anything is written. */
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { NativeBinding } from '../../../src/binding.js';
import { convert } from '../../../src/convert/convert.js';
import { LlavaError } from '../../../src/errors.js';
import {
  cpuMs,
  createRandom,
  fuzzSeconds,
  fuzzSeed,
  mutate,
  type Random,
} from '../../support/fuzz.js';
import { lmmsFiles, lmmsTensors, writeCheckpoint } from '../../support/safetensors.js';
import { rewriteAsTransformers } from '../../support/transformers-layout.js';

const dir = mkdtempSync(join(tmpdir(), 'fuzz-json-'));
afterAll(() => rmSync(dir, { recursive: true }));

const lmms = join(dir, 'lmms');
const transformers = join(dir, 'transformers');
/** All that are read, by path. */
let originals: [path: string, text: string][];

beforeAll(async () => {
  const files = lmmsFiles();
  const { vocab, added } = {
    vocab: files['vocab.json'] as object,
    added: files['added_tokens.json'] as Record<string, number>,
  };
  const added_tokens = Object.entries(added).map(([content, id]) => ({ id, content }));
  Object.assign(files['config.json'] as object, { image_grid_pinpoints: [[28, 28]] });
  files['generation_config.json'] = { do_sample: true, temperature: 0.7, eos_token_id: [262, 260] };
  files['preprocessor_config.json'] = { size: [28, 28], image_mean: [0.5, 0.5, 0.5] };
  mkdirSync(lmms);
  writeCheckpoint(lmms, files, lmmsTensors());
  await rewriteAsTransformers(lmms, transformers, { names: 'saved', version: 5, nShards: 2 });
  for (const name of ['vocab.json', 'merges.txt', 'added_tokens.json'])
    rmSync(join(transformers, name));
  const model = { type: 'BPE', vocab, merges: ['t 1', ['t', '2']] };
  writeFileSync(join(transformers, 'tokenizer.json'), JSON.stringify({ model, added_tokens }));
  originals = [lmms, transformers].flatMap((folder) =>
    readdirSync(folder)
      .filter((name) => /\.(json|txt)$/.test(name))
      .map((name): [string, string] => {
        const path = join(folder, name);
        return [path, readFileSync(path, 'utf8')];
      }),
  );
});

/** Ends the conversion where it would begin to write. */
class Planned extends Error {}
const binding = new Proxy({} as NativeBinding, {
  get: () => {
    throw new Planned();
  },
});
const plan = (checkpoint: string) =>
  convert({ checkpoint, outdir: join(dir, 'out') }, binding).catch((reason) => reason);

const DEEP = '@deep@';
const VALUES = [
  ...[null, true, false, -1, 0, 1, 2, 0.5, 26, 27, 260, 1e9, 2 ** 31, 2 ** 53, 1e308],
  ...['', 'x', '\ud800', 'a\0b', 'linear', 'yarn', 'anyres_max_9', '(1x1),...,(9x9)', DEEP],
  ...['x'.repeat(100_000), '__proto__', [], [0], [[28, 28]], [[[]]], {}, { x: {} }],
];

type Parent = Record<string, unknown>;

/** Another value, or none, for something in it; or what `mutate` does to bytes. */
function mutateText(text: string, random: Random): Buffer {
  const isJson = text.startsWith('{');
  if (!isJson || random.below(4) === 0) return mutate(Buffer.from(text), text.length, random);
  const root = { root: JSON.parse(text) };
  for (let left = 1 + random.below(2); left > 0; left--) {
    let parent: Parent = root;
    let key = 'root';
    do {
      const inside = parent[key] as Parent;
      if (typeof inside !== 'object' || inside === null || Object.keys(inside).length === 0) break;
      parent = inside;
      key = random.pick(Object.keys(parent));
    } while (random.below(4) > 0);
    if (random.below(5) === 0) delete parent[key];
    else parent[key] = structuredClone(random.pick(VALUES));
  }
  const nested = '['.repeat(50_000) + ']'.repeat(50_000);
  return Buffer.from((JSON.stringify(root.root) ?? '').replaceAll(`"${DEEP}"`, nested));
}

const MAX_MS = 5000;

test('the files that are changed are good ones', async () => {
  for (const folder of [lmms, transformers]) expect(await plan(folder)).toBeInstanceOf(Planned);
  expect(originals.map(([path]) => path.split(/[/\\]/).at(-1)).sort()).toMatchObject([
    ...['added_tokens.json', 'config.json', 'config.json', 'generation_config.json'],
    ...['generation_config.json', 'merges.txt', 'model.safetensors.index.json'],
    ...['preprocessor_config.json', 'processor_config.json', 'tokenizer.json', 'vocab.json'],
  ]);
});

test(
  'changed files are planned or refused',
  async () => {
    const random = createRandom(fuzzSeed);
    const outcomes = { planned: 0, refused: 0 };
    const end = performance.now() + fuzzSeconds * 1000;
    // On a slow machine until more than hardly anything was tried.
    const isEnough = () => outcomes.refused > 20 && outcomes.planned > 5;
    for (let i = 0; performance.now() < end || !isEnough(); i++) {
      const [path, text] = random.pick(originals);
      const bytes = mutateText(text, random);
      writeFileSync(path, bytes);
      const startedAt = cpuMs();
      const error = await plan(join(path, '..'));
      writeFileSync(path, text);
      const what = () =>
        `${path}, seed ${fuzzSeed}, change ${i}: ${bytes.toString('utf8', 0, 4000)}`;
      if (cpuMs() - startedAt > MAX_MS) throw new Error(`slow: ${what()}`);
      if (!(error instanceof Planned || error instanceof LlavaError))
        throw new Error(what(), { cause: error });
      outcomes[error instanceof Planned ? 'planned' : 'refused']++;
    }
  },
  fuzzSeconds * 1000 + 60_000,
);
