/** Where in a GGUF file a change means something: mostly its keys and its table of tensors, seldom a long array or data. */

const SIZES = [1, 1, 2, 2, 4, 4, 4, 1, 0, 0, 8, 8, 8];
const STRING = 8;
const ARRAY = 9;

/** @param {Buffer} bytes of a good file @returns {(random: import('./mutate.mjs').Random) => number} */
export function ggufPlaces(bytes) {
  let at = 24;
  const u32 = () => {
    at += 4;
    return bytes.readUInt32LE(at - 4);
  };
  const u64 = () => {
    at += 8;
    return Number(bytes.readBigUInt64LE(at - 8));
  };
  const skipText = () => {
    const length = u64();
    at += length;
  };
  const skipValue = (/** @type {number} */ type) => {
    if (type === STRING) skipText();
    else at += SIZES[type] ?? 0;
  };
  /** @type {[from: number, to: number][]} */
  const keys = [[0, 24]];
  /** Where numbers are: values of keys; dimensions, types and offsets of tensors. @type {number[]} */
  const fields = [];
  for (let left = Number(bytes.readBigUInt64LE(16)); left > 0; left--) {
    const from = at;
    skipText();
    const type = u32();
    fields.push(at - 4, at);
    if (type === ARRAY) {
      const item = u32();
      fields.push(at + 8);
      for (let count = u64(); count > 0; count--) skipValue(item);
    } else skipValue(type);
    keys.push([from, Math.min(at, from + 128)]);
  }
  /** @type {[from: number, to: number][]} */
  const tensors = [];
  for (let left = Number(bytes.readBigUInt64LE(8)); left > 0; left--) {
    const from = at;
    skipText();
    const nDimensions = u32();
    for (let i = 0; i < nDimensions; i++) fields.push(at + 8 * i);
    at += 8 * nDimensions + 4 + 8;
    fields.push(at - 12, at - 8);
    tensors.push([from, at]);
  }
  const headerBytes = at;
  return (random) => {
    const kind = random.below(20);
    if (kind > 9) return random.pick(fields);
    if (kind === 0) return random.below(bytes.length);
    if (kind === 1) return random.below(headerBytes);
    const [from, to] = random.pick(kind < 6 ? keys : tensors);
    return from + random.below(to - from);
  };
}
