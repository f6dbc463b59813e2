/**
 * Reads the header of a GGUF file (versions 2 and 3, little-endian): metadata and tensor table, never tensor data.
 * Refuses everything that ggml would refuse or trip over, before ggml sees the file, and never allocates by a
 * count it has not checked. What the keys mean is the business of decoder-file.ts and vision-config.ts.
 * @see ggml/src/gguf.cpp (llama.cpp v0.5.0)
 */
import { LlavaError } from '../errors.js';
import { checkedFile } from '../files/checked-file.js';
import { describeForeign, FOREIGN_BYTES } from '../files/foreign-file.js';
import { withFile } from '../files/with-file.js';
import { inSlices } from '../in-slices.js';
import { ggmlTypes } from './ggml-types.js';
import { EndOfFile, HeaderBytes, type ReadableFile } from './header-bytes.js';
import type { GgufFile, GgufScalarType, GgufTensor, GgufValue } from './metadata.js';
import { modelLoadError } from './metadata.js';

export * from './metadata.js';

const MAX_STRING_BYTES = 16 << 20;
const MAX_ARRAY_LENGTH = 1 << 24;
/** Bytes of the shortest possible metadata entry and tensor entry. */
const MIN_KEY_BYTES = 14;
const MIN_TENSOR_BYTES = 33;
const MAX_TENSOR_NAME_BYTES = 63;
const MAX_DIMENSIONS = 4;
const ARRAY_TYPE = 9;
/** ggml's TENSOR_ALIGNMENT, which it asserts of mapped tensors. */
const MIN_ALIGNMENT = 32;

const scalars: Record<number, { type: GgufScalarType; bytes: number }> = {
  0: { type: 'u8', bytes: 1 },
  1: { type: 'i8', bytes: 1 },
  2: { type: 'u16', bytes: 2 },
  3: { type: 'i16', bytes: 2 },
  4: { type: 'u32', bytes: 4 },
  5: { type: 'i32', bytes: 4 },
  6: { type: 'f32', bytes: 4 },
  7: { type: 'bool', bytes: 1 },
  8: { type: 'string', bytes: 8 },
  10: { type: 'u64', bytes: 8 },
  11: { type: 'i64', bytes: 8 },
  12: { type: 'f64', bytes: 8 },
};

/** What is wrong with a file; readGguf() adds where. */
class Malformed extends Error {}

/** A file that is not on this machine; what is read of it can be no model that is loaded. */
export interface RemoteFile extends ReadableFile {
  size: number;
}

/** @param from where the bytes are, if not in a file called so
 *  @throws ERR_MODEL_LOAD for a file that cannot be read, is no GGUF, is malformed, or lacks tensor data at its end. */
export function readGguf(path: string, from?: RemoteFile): Promise<GgufFile> {
  return read(path, from, parse);
}

/** The keys before the vocabulary, which is long: enough to know what kind of file it is. @throws ERR_MODEL_LOAD */
export function readGgufHead(
  path: string,
  from?: RemoteFile,
): Promise<Pick<GgufFile, 'path' | 'metadata'>> {
  return read(path, from, async (bytes, origin) => {
    const { file, nKeys } = await begin(bytes, origin);
    for (let i = 0; i < nKeys; i++) {
      await readEntry(bytes, file, i);
      if ([...file.metadata.keys()].at(-1)!.startsWith('tokenizer.')) break;
    }
    return file;
  });
}

type Origin = Pick<GgufFile, 'path' | 'checked' | 'fileSize'>;

async function read(
  path: string,
  from: RemoteFile | undefined,
  work: (bytes: HeaderBytes, origin: Origin) => Promise<GgufFile>,
): Promise<GgufFile> {
  try {
    if (from) {
      const origin = { path, checked: { path, identity: '' }, fileSize: from.size };
      return await work(new HeaderBytes(from, from.size), origin);
    }
    return await withFile(path, 'r', async (file) => {
      const { size } = await file.stat();
      const checked = await checkedFile(path, file);
      return work(new HeaderBytes(file, size), { path, checked, fileSize: size });
    });
  } catch (error) {
    if (error instanceof LlavaError) throw error;
    if (error instanceof Malformed) throw modelLoadError(path, error.message);
    if (error instanceof EndOfFile)
      throw modelLoadError(path, `${error.message}, inside the header. The file is truncated.`);
    throw modelLoadError(path, (error as Error).message, error);
  }
}

async function parse(bytes: HeaderBytes, origin: Origin): Promise<GgufFile> {
  const { file, nTensors, nKeys } = await begin(bytes, origin);
  for (let i = 0; i < nKeys; i++) await readEntry(bytes, file, i);
  const names = new Set<string>();
  for (let i = 0; i < nTensors; i++) {
    const tensor = await readTensor(bytes, i);
    if (names.has(tensor.name)) throw new Malformed(`it has two tensors '${tensor.name}'.`);
    names.add(tensor.name);
    file.tensors.push(tensor);
  }
  placeTensors(file, bytes.position);
  return file;
}

async function begin(bytes: HeaderBytes, origin: Origin) {
  const version = await readVersion(bytes);
  const nTensors = await readCount(bytes, 'tensors', MIN_TENSOR_BYTES);
  const nKeys = await readCount(bytes, 'keys', MIN_KEY_BYTES);
  const empty = { metadata: new Map(), scalarTypes: new Map(), tensors: [] };
  const file: GgufFile = { ...origin, version, ...empty };
  return { file, nTensors, nKeys };
}

async function readVersion(bytes: HeaderBytes): Promise<number> {
  const magic = await bytes.bytes(Math.min(4, bytes.remaining));
  if (magic.toString('latin1') !== 'GGUF') {
    const rest = await bytes.bytes(Math.min(FOREIGN_BYTES - 4, bytes.remaining));
    throw new Malformed(
      describeForeign(Buffer.concat([magic, rest])) ??
        'it is not a GGUF file (a checkpoint has to be converted first: `llava-onevision convert`).',
    );
  }
  const version = await bytes.u32();
  if ((version & 0xffff) === 0) throw new Malformed('it is a big-endian GGUF file.');
  if (version !== 2 && version !== 3)
    throw new Malformed(`it has GGUF version ${version}; versions 2 and 3 are supported.`);
  return version;
}

async function readCount(bytes: HeaderBytes, what: string, minBytes: number): Promise<number> {
  const count = await bytes.u64();
  if (count * BigInt(minBytes) > bytes.remaining)
    throw new Malformed(`its header announces ${count} ${what}, more than the file can hold.`);
  return Number(count);
}

async function readEntry(bytes: HeaderBytes, file: GgufFile, index: number): Promise<void> {
  const key = await readString(bytes, `the name of key ${index}`);
  if (key === '') throw new Malformed(`key ${index} has no name.`);
  if (file.metadata.has(key)) throw new Malformed(`it has two keys '${key}'.`);
  const type = await bytes.u32();
  if (type === ARRAY_TYPE) {
    file.metadata.set(key, await readArray(bytes, key));
    return;
  }
  const scalar = scalarType(type, key);
  file.scalarTypes.set(key, scalar.type);
  const value =
    scalar.type === 'string'
      ? await readString(bytes, `the value of '${key}'`)
      : decode(await bytes.bytes(scalar.bytes), scalar.type);
  file.metadata.set(key, value);
}

function scalarType(type: number, key: string): { type: GgufScalarType; bytes: number } {
  const scalar = scalars[type];
  if (!scalar) throw new Malformed(`the key '${key}' has an unknown type (${type}).`);
  return scalar;
}

async function readString(bytes: HeaderBytes, what: string): Promise<string> {
  const length = await bytes.u64();
  if (length > bytes.remaining || length > MAX_STRING_BYTES) throw impossibleLength(what, length);
  const text = await bytes.text(Number(length));
  if (text.includes('\0')) throw containsNul(what);
  return text;
}

/** ggml would end it there, and see another key or tensor than was checked. */
function containsNul(what: string): Malformed {
  return new Malformed(`${what} contains a NUL byte.`);
}

function impossibleLength(what: string, bytes: number | bigint): Malformed {
  return new Malformed(`${what} has an impossible length (${bytes} bytes).`);
}

async function readArray(bytes: HeaderBytes, key: string): Promise<GgufValue> {
  const { type, bytes: size } = scalarType(await bytes.u32(), key);
  const count = await bytes.u64();
  if (count > MAX_ARRAY_LENGTH || count * BigInt(size) > bytes.remaining)
    throw new Malformed(`the array '${key}' has an impossible length (${count}).`);
  const length = Number(count);
  if (type !== 'string')
    return { type, values: decodeArray(await bytes.bytes(length * size), type) };
  const values = await bytes.texts(length, MAX_STRING_BYTES, (i, bytes) =>
    impossibleLength(`'${key}'[${i}]`, bytes),
  );
  await inSlices(values, (text, i) => {
    if (text.includes('\0')) throw containsNul(`'${key}'[${i}]`);
  });
  return { type, values };
}

type NumberType = Exclude<GgufScalarType, 'string'>;

function decode(bytes: Buffer, type: NumberType): GgufValue {
  const value = decodeArray(bytes, type)[0]!;
  if (typeof value !== 'bigint') return value;
  const number = Number(value);
  return Number.isSafeInteger(number) ? number : value;
}

function decodeArray(bytes: Buffer, type: NumberType) {
  const buffer = bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length);
  if (type === 'u8') return new Uint8Array(buffer);
  if (type === 'i8') return new Int8Array(buffer);
  if (type === 'u16') return new Uint16Array(buffer);
  if (type === 'i16') return new Int16Array(buffer);
  if (type === 'u32') return new Uint32Array(buffer);
  if (type === 'i32') return new Int32Array(buffer);
  if (type === 'f32') return new Float32Array(buffer);
  if (type === 'f64') return new Float64Array(buffer);
  if (type === 'u64') return new BigUint64Array(buffer);
  if (type === 'i64') return new BigInt64Array(buffer);
  return Array.from(bytes, (byte) => byte !== 0);
}

/** The offset is still relative to the data section. */
async function readTensor(bytes: HeaderBytes, index: number): Promise<GgufTensor> {
  const name = await readString(bytes, `the name of tensor ${index}`);
  if (name === '' || Buffer.byteLength(name) > MAX_TENSOR_NAME_BYTES)
    throw new Malformed(
      `tensor ${index} has a name of ${Buffer.byteLength(name)} bytes (1 to ${MAX_TENSOR_NAME_BYTES} are allowed).`,
    );
  const nDimensions = await bytes.u32();
  if (nDimensions < 1 || nDimensions > MAX_DIMENSIONS)
    throw new Malformed(`the tensor '${name}' has ${nDimensions} dimensions (1 to 4 are allowed).`);
  const dimensions: bigint[] = [];
  for (let i = 0; i < nDimensions; i++) dimensions.push(await bytes.u64());
  const typeId = await bytes.u32();
  const type = ggmlTypes.get(typeId);
  if (!type) throw new Malformed(`the tensor '${name}' has an unknown type (${typeId}).`);
  const offset = await bytes.u64();
  const elements = dimensions.reduce((product, size) => product * size, 1n);
  const size = (elements / BigInt(type.blockSize)) * BigInt(type.blockBytes);
  if (elements === 0n || size > Number.MAX_SAFE_INTEGER || offset > Number.MAX_SAFE_INTEGER)
    throw new Malformed(`the tensor '${name}' has an impossible shape [${dimensions}].`);
  const shape = dimensions.map(Number);
  if (shape[0]! % type.blockSize !== 0)
    throw new Malformed(
      `the tensor '${name}' has rows of ${shape[0]}, not a multiple of the ${type.blockSize} of type ${type.name}.`,
    );
  return { name, shape, type: type.name, offset: Number(offset), bytes: Number(size) };
}

/** Turns offsets into file positions: tensors follow one another, each aligned, none beyond the end of the file. */
function placeTensors(file: GgufFile, headerEnd: number): void {
  const alignment = file.metadata.get('general.alignment') ?? 32;
  const stored = file.scalarTypes.get('general.alignment') ?? 'u32';
  if (typeof alignment !== 'number' || stored !== 'u32' || !isAlignment(alignment))
    throw new Malformed(
      `the key 'general.alignment' must be a u32 power of two, at least ${MIN_ALIGNMENT}.`,
    );
  const pad = (size: number) => Math.ceil(size / alignment) * alignment;
  const dataStart = pad(headerEnd);
  let expected = 0;
  for (const tensor of file.tensors) {
    if (tensor.offset !== expected)
      throw new Malformed(
        `the tensor '${tensor.name}' has offset ${tensor.offset} where ${expected} is expected.`,
      );
    expected += pad(tensor.bytes);
    tensor.offset += dataStart;
    if (tensor.offset + tensor.bytes > file.fileSize)
      throw new Malformed(
        `the file is truncated: the tensor '${tensor.name}' ends at byte ${tensor.offset + tensor.bytes}, ` +
          `the file at ${file.fileSize}.`,
      );
  }
}

function isAlignment(value: number): boolean {
  return value >= MIN_ALIGNMENT && (value & (value - 1)) === 0;
}
