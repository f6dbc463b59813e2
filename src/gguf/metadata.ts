/**
 * What a GGUF header says, and typed lookups in its metadata. Every lookup that fails throws ERR_MODEL_LOAD with the
 * file, the key, what was expected and what is there, so that callers need no checks of their own.
 */
import { LlavaError } from '../errors.js';
import { type CheckedFile, withChecked } from '../files/checked-file.js';

export type GgufScalarType =
  | 'u8'
  | 'i8'
  | 'u16'
  | 'i16'
  | 'u32'
  | 'i32'
  | 'f32'
  | 'bool'
  | 'string'
  | 'u64'
  | 'i64'
  | 'f64';

/** 64-bit integers are bigint only where a number could not hold them exactly. */
export type GgufValue = number | bigint | boolean | string | GgufArray;

export interface GgufArray {
  type: GgufScalarType;
  /** Typed arrays for numbers. */
  values: ArrayLike<number> | ArrayLike<bigint> | boolean[] | string[];
}

export interface GgufTensor {
  name: string;
  /** GGUF order: fastest dimension first, one to four of them. */
  shape: number[];
  /** Lower-case ggml type name, a key of ggml-types.ts. */
  type: string;
  /** From the beginning of the file. */
  offset: number;
  bytes: number;
}

export interface GgufFile {
  path: string;
  /** Which file was read. */
  checked: CheckedFile;
  version: number;
  fileSize: number;
  metadata: Map<string, GgufValue>;
  /** The stored type of each scalar in `metadata`; arrays carry theirs. */
  scalarTypes: Map<string, GgufScalarType>;
  tensors: GgufTensor[];
}

export function modelLoadError(path: string, problem: string, cause?: unknown): LlavaError {
  return new LlavaError('ERR_MODEL_LOAD', `Cannot load ${path}: ${problem}`, { path }, { cause });
}

/** Runs `work` with names that open just these files. @throws ERR_MODEL_LOAD when one has changed, or cannot be opened */
export function withModelFiles<T>(
  files: readonly CheckedFile[],
  work: (names: string[]) => Promise<T>,
): Promise<T> {
  const changed = (path: string) =>
    modelLoadError(path, 'the file has changed since it was checked; load it again.');
  return withChecked(files, changed, work).catch((error) => {
    if (error instanceof Error && 'syscall' in error)
      throw modelLoadError(files[0]!.path, error.message, error);
    throw error;
  });
}

/** @param fallback for an absent key; without one the key is required. @throws ERR_MODEL_LOAD */
export function ggufNumber(file: GgufFile, key: string, fallback?: number): number {
  const value = lookUp(file, key, 'a number', fallback);
  if (typeof value !== 'number' || !Number.isFinite(value)) throw wrong(file, key, 'a number');
  return value;
}

/** An integer in [min, max], both inclusive. @throws ERR_MODEL_LOAD */
export function ggufInteger(
  file: GgufFile,
  key: string,
  range: { min: number; max: number; fallback?: number },
): number {
  const value = ggufNumber(file, key, range.fallback);
  if (!Number.isInteger(value) || value < range.min || value > range.max)
    throw wrong(file, key, `an integer from ${range.min} to ${range.max}`);
  return value;
}

/** @throws ERR_MODEL_LOAD */
export function ggufString(file: GgufFile, key: string, fallback?: string): string {
  const value = lookUp(file, key, 'a string', fallback);
  if (typeof value !== 'string') throw wrong(file, key, 'a string');
  return value;
}

/** @throws ERR_MODEL_LOAD */
export function ggufBoolean(file: GgufFile, key: string, fallback?: boolean): boolean {
  const value = lookUp(file, key, 'a boolean', fallback);
  if (typeof value !== 'boolean') throw wrong(file, key, 'a boolean');
  return value;
}

/** @throws ERR_MODEL_LOAD */
export function ggufNumbers(file: GgufFile, key: string, fallback?: number[]): number[] {
  const value = lookUp(file, key, 'an array of numbers', fallback && array('f64', fallback));
  const values = isGgufArray(value) ? Array.from<unknown>(value.values) : [];
  if (!isGgufArray(value) || values.some((item) => typeof item !== 'number'))
    throw wrong(file, key, 'an array of numbers');
  return values as number[];
}

/** @throws ERR_MODEL_LOAD */
export function ggufStrings(file: GgufFile, key: string, fallback?: string[]): string[] {
  const value = lookUp(file, key, 'an array of strings', fallback && array('string', fallback));
  if (!isGgufArray(value) || value.type !== 'string') throw wrong(file, key, 'an array of strings');
  return value.values as string[];
}

export function isGgufArray(value: GgufValue): value is GgufArray {
  return typeof value === 'object';
}

function array(type: GgufScalarType, values: number[] | string[]): GgufArray {
  return { type, values };
}

function lookUp(file: GgufFile, key: string, expected: string, fallback?: GgufValue): GgufValue {
  const value = file.metadata.get(key) ?? fallback;
  if (value === undefined)
    throw modelLoadError(file.path, `the key '${key}' is missing (expected ${expected}).`);
  return value;
}

function wrong(file: GgufFile, key: string, expected: string): LlavaError {
  const value = file.metadata.get(key);
  const found =
    value === undefined || !isGgufArray(value)
      ? JSON.stringify(typeof value === 'bigint' ? String(value) : value)
      : `an array of ${value.values.length} ${value.type}`;
  return modelLoadError(file.path, `the key '${key}' must be ${expected} but is ${found}.`);
}
