/** The kinds of files that are changed: how, and what is then done with them, which has to work or throw a LlavaError. */
import { readdirSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { ggufPlaces } from './gguf-places.mjs';
import { mutate } from './mutate.mjs';
import { ASK, bytesOf, DIST, LOAD, sha256 } from './seeds.mjs';

const SESSION_PREFIX = 48;
const ROWS_PREFIX = 40;
/** Tables for the last take seconds. */
const IMATRIX_TYPES = [...repeated(['q4_k_m', 'iq4_nl', 'q3_k_s'], 5), 'iq2_xs'];
const TEXT = [{ role: 'user', content: 'Say.' }];

/** How often each is taken: what is quick, and in the hands of strangers, more often. */
export const TURNS = [
  ...repeated(['decoder', 'mmproj', 'lora', 'session'], 6),
  ...repeated(['checkpoint', 'rows'], 2),
  'imatrix',
];

/** @param {string[]} items @param {number} times */
function repeated(items, times) {
  return items.flatMap((item) => Array(times).fill(item));
}

/**
 * @typedef {object} Kind
 * @property {(random: import('./mutate.mjs').Random) => { path: string, bytes: Buffer }} change a file to be written
 * @property {(path: string, random: import('./mutate.mjs').Random) => Promise<void>} use
 */

/** @param {string} folder @param {Awaited<ReturnType<typeof import('./seeds.mjs').makeSeeds>>} seeds */
export async function makeKinds(folder, seeds) {
  const api = await import(`${DIST}index.js`);
  const gguf = (/** @type {string} */ path) => {
    const original = bytesOf(path);
    const places = ggufPlaces(original);
    const target = join(folder, basename(path));
    return (/** @type {import('./mutate.mjs').Random} */ random) => ({
      path: target,
      bytes: mutate(original, places, random),
    });
  };
  const { decoder: model, mmproj } = seeds;
  /** @param {object} options @param {(model: any) => Promise<unknown>} work */
  const withModel = async (options, work) => {
    const loaded = await api.LlavaOneVision.load({ ...LOAD, ...options });
    try {
      await work(loaded);
    } finally {
      await loaded.dispose();
    }
  };
  const brief = { maxTokens: 2, topLogprobs: 2 };
  /** @type {Promise<any> | undefined} */
  let chatty;
  const goodModel = () => {
    chatty ??= api.LlavaOneVision.load({
      ...{ ...LOAD, model, mmproj, visualCacheBytes: 0, visualCacheDir: join(folder, 'rows') },
    });
    return chatty;
  };
  /** @type {Record<string, Kind>} */
  const kinds = {
    decoder: {
      change: gguf(model),
      use: (path) => withModel({ model: path, mmproj }, (m) => m.chat(ASK, brief).result),
    },
    mmproj: {
      change: gguf(mmproj),
      use: (path) => withModel({ model, mmproj: path }, (m) => m.chat(ASK, brief).result),
    },
    lora: {
      change: gguf(seeds.lora),
      use: (path) => withModel({ model, lora: path }, (m) => m.chat(TEXT, brief).result),
    },
    imatrix: imatrixKind(folder, seeds, api),
    session: {
      change: sessionChange(folder, bytesOf(seeds.session)),
      use: async (path) => {
        const session = await (await goodModel()).loadSession(path);
        await session.chat('And?', brief).result;
        await session.dispose();
      },
    },
    rows: {
      change: rowsChange(seeds.rows, join(folder, 'rows')),
      use: async () => void (await (await goodModel()).embed(ASK)),
    },
    checkpoint: checkpointKind(folder, seeds.checkpoint, api),
  };
  return kinds;
}

/** @param {string} folder @param {{ imatrix: string, float: string }} seeds @param {any} api @returns {Kind} */
function imatrixKind(folder, { imatrix, float: file }, api) {
  const original = bytesOf(imatrix);
  return {
    change: (random) => ({
      path: join(folder, 'imatrix.dat'),
      bytes: mutate(original, random.below(3) ? 200 : original.length, random),
    }),
    use: async (path, random) => {
      const outfile = join(folder, 'quantized.gguf');
      const outtype = random.pick(IMATRIX_TYPES);
      await api.quantize({ file, outtype, outfile, imatrix: path });
    },
  };
}

/** Of the header's JSON and of the contents with their hashes made right, so that they are not all that is looked at.
 *  @param {string} folder @param {Buffer} original @returns {Kind['change']} */
function sessionChange(folder, original) {
  const path = join(folder, 'session');
  const end = SESSION_PREFIX + original.readUInt32LE(12);
  const json = original.subarray(SESSION_PREFIX, end);
  /** @param {Buffer} header @param {Buffer} rest */
  const whole = (header, rest) => {
    const prefix = Buffer.from(original.subarray(0, SESSION_PREFIX));
    prefix.writeUInt32LE(header.length, 12);
    sha256(header).copy(prefix, 16);
    return Buffer.concat([prefix, header, rest]);
  };
  return (random) => {
    const kind = random.below(5);
    const rest = original.subarray(end);
    if (kind === 0) return { path, bytes: mutate(original, original.length, random) };
    if (kind < 3) return { path, bytes: whole(mutate(json, json.length, random), rest) };
    const header = JSON.parse(json.toString());
    let position = end;
    const blobs = header.blobs.map((/** @type {{ bytes: number }} */ { bytes }) => {
      position += bytes;
      return original.subarray(position - bytes, position);
    });
    const index = random.below(blobs.length);
    // The state's own header is at its beginning.
    blobs[index] = mutate(blobs[index], random.below(2) ? 300 : blobs[index].length, random);
    const { length } = blobs[index];
    header.blobs[index] = { bytes: length, hash: sha256(blobs[index]).toString('hex') };
    return { path, bytes: whole(Buffer.from(JSON.stringify(header)), Buffer.concat(blobs)) };
  };
}

/** @param {string} good folder @param {string} folder @returns {Kind['change']} */
function rowsChange(good, folder) {
  const [name = ''] = readdirSync(good).filter((file) => file.endsWith('.rows'));
  const path = join(folder, name);
  const original = bytesOf(join(good, name));
  return (random) => {
    if (random.below(2)) return { path, bytes: mutate(original, original.length, random) };
    const rows = mutate(original.subarray(ROWS_PREFIX), original.length - ROWS_PREFIX, random);
    return { path, bytes: Buffer.concat([original.subarray(0, 8), sha256(rows), rows]) };
  };
}

/** @param {string} folder @param {string} good checkpoint @param {any} api @returns {Kind} */
function checkpointKind(folder, good, api) {
  const checkpoint = join(folder, 'checkpoint');
  const originals = new Map(readdirSync(good).map((name) => [name, bytesOf(join(good, name))]));
  // One of them was changed by a child that ended.
  for (const [name, bytes] of originals) writeFileSync(join(checkpoint, name), bytes);
  /** @type {string | undefined} */
  let changed;
  return {
    change: (random) => {
      if (changed) writeFileSync(join(checkpoint, changed), originals.get(changed) ?? '');
      changed = random.pick([...originals.keys()]);
      const path = join(checkpoint, changed);
      const original = /** @type {Buffer} */ (originals.get(changed));
      const isWeights = changed.endsWith('.safetensors');
      const headerBytes = isWeights ? 8 + Number(original.readBigUInt64LE()) : original.length;
      return { path, bytes: mutate(original, headerBytes, random) };
    },
    use: async () => {
      await api.convert({ checkpoint, outdir: join(folder, 'converted'), outtype: 'q8_0' });
    },
  };
}
