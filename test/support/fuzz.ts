/** Random changes to files, the same for the same seed. */

/** How long a fuzz test runs, and from which seed: test/fuzz/run.mjs says. */
export const fuzzSeconds = Number(process.env.FUZZ_SECONDS ?? 5);
export const fuzzSeed = Number(process.env.FUZZ_SEED ?? 1);

/** What this process has computed, in milliseconds: other work of the machine does not count. */
export function cpuMs(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}

export interface Random {
  /** An integer in [0, n). */
  below(n: number): number;
  pick<T>(items: readonly T[]): T;
}

/** mulberry32 */
export function createRandom(seed: number): Random {
  let state = seed >>> 0;
  const next = () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
  const below = (n: number) => Math.floor(next() * n);
  return { below, pick: (items) => items[below(items.length)]! };
}

/** Numbers at the edges of what counts and offsets can be. */
const NUMBERS = [
  0n,
  1n,
  2n,
  31n,
  255n,
  65535n,
  1n << 24n,
  1n << 31n,
  1n << 32n,
  1n << 40n,
  1n << 53n,
  1n << 63n,
]
  .flatMap((n) => [n, n - 1n, n + 1n])
  .map((n) => BigInt.asUintN(64, n));
const TEXTS = [
  '-1',
  '1e308',
  '9007199254740993',
  'null',
  '""',
  '[]',
  '{}',
  '[[[[',
  '\\ud800',
  '"F64"',
  '0.5',
];

/** One to four changes. @param headerBytes where most of them fall. */
export function mutate(original: Buffer, headerBytes: number, random: Random): Buffer {
  let bytes: Buffer = Buffer.from(original);
  for (let left = 1 + random.below(4); left > 0 && bytes.length > 16; left--)
    bytes = random.pick(changes)(
      bytes,
      random.below(Math.min(headerBytes, bytes.length - 8)),
      random,
    );
  return bytes;
}

type Change = (bytes: Buffer, at: number, random: Random) => Buffer;

const overwrite: Change = (bytes, at, random) => {
  const number = random.pick(NUMBERS);
  if (random.below(2)) bytes.writeBigUInt64LE(number, at);
  else bytes.writeUInt32LE(Number(number & 0xffffffffn), at);
  return bytes;
};

const changes: Change[] = [
  overwrite,
  overwrite,
  (bytes, at, random) => {
    bytes[at]! ^= 1 << random.below(8);
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
  (bytes, at, random) =>
    Buffer.concat([bytes.subarray(0, at), bytes.subarray(at + 1 + random.below(64))]),
  (bytes, at, random) => {
    const piece = bytes.subarray(at, at + 1 + random.below(64));
    return Buffer.concat([bytes.subarray(0, at), piece, bytes.subarray(at)]);
  },
  (bytes, at, random) => bytes.subarray(0, random.below(4) ? bytes.length - random.below(64) : at),
];
