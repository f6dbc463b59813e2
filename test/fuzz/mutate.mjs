/** Random changes to files, the same for the same seed. */

/**
 * @typedef {object} Random
 * @property {(n: number) => number} below an integer in [0, n)
 * @property {<T>(items: readonly T[]) => T} pick
 */

/** mulberry32 @param {number} seed @returns {Random} */
export function createRandom(seed) {
  let state = seed >>> 0;
  const next = () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
  const below = (/** @type {number} */ n) => Math.floor(next() * n);
  return { below, pick: (items) => /** @type {any} */ (items[below(items.length)]) };
}

/** Numbers at the edges of what counts and offsets can be. */
const NUMBERS = [
  ...[0n, 1n, 2n, 31n, 255n, 65535n],
  ...[24n, 31n, 32n, 40n, 53n, 63n].map((bits) => 1n << bits),
]
  .flatMap((n) => [n, n - 1n, n + 1n])
  .map((n) => BigInt.asUintN(64, n));
const TEXTS = [
  ...['-1', '1e308', '9007199254740993', 'null', '""', '[]', '{}', '[[[['],
  ...['\\ud800', '\\u0000', '"F64"', '0.5', '\0'],
];

/** @typedef {(bytes: Buffer, at: number, random: Random) => Buffer} Change */

/** @type {Change} */
const overwrite = (bytes, at, random) => {
  const number = random.pick(NUMBERS);
  if (random.below(2)) bytes.writeBigUInt64LE(number, at);
  else bytes.writeUInt32LE(Number(number & 0xffffffffn), at);
  return bytes;
};

/** Of the same length: what follows stays where it was. @type {Change[]} */
const IN_PLACE = [
  overwrite,
  overwrite,
  (bytes, at, random) => {
    bytes.writeUInt8(bytes.readUInt8(at) ^ (1 << random.below(8)), at);
    return bytes;
  },
  (bytes, at, random) => {
    bytes[at] = random.pick([0, 1, 9, 32, 34, 48, 57, 91, 93, 123, 125, 127, 255]);
    return bytes;
  },
  (bytes, at, random) => {
    bytes.write(random.pick(TEXTS), at);
    return bytes;
  },
];

/** @type {Change[]} */
const CHANGES = [
  ...IN_PLACE,
  (bytes, at, random) =>
    Buffer.concat([bytes.subarray(0, at), bytes.subarray(at + 1 + random.below(64))]),
  (bytes, at, random) => {
    const piece = bytes.subarray(at, at + 1 + random.below(64));
    return Buffer.concat([bytes.subarray(0, at), piece, bytes.subarray(at)]);
  },
  (bytes, at, random) => bytes.subarray(0, random.below(4) ? bytes.length - random.below(64) : at),
];

/**
 * One to four changes.
 * @param {Buffer} original
 * @param {number | ((random: Random) => number)} places where they fall: anywhere before, or each by itself
 * @param {Random} random
 */
export function mutate(original, places, random) {
  /** @type {Buffer} */
  let bytes = Buffer.from(original);
  // A file of strict form would else hardly ever be read.
  const changes = typeof places === 'function' && random.below(4) > 0 ? IN_PLACE : CHANGES;
  const nChanges = random.pick([1, 1, 2, 4]);
  for (let left = nChanges; left > 0 && bytes.length > 16; left--) {
    const most = bytes.length - 8;
    const at = typeof places === 'number' ? random.below(Math.min(places, most)) : places(random);
    bytes = random.pick(changes)(bytes, Math.min(at, most), random);
  }
  return bytes;
}
