/** What `convert` and `quantize` share: flags, and how a written file is told. */
import { basename } from 'node:path';
import { InvalidArgumentError } from 'commander';
import { byteSize } from '../../byte-size.js';
import type { WrittenFile } from '../../convert/output-files.js';
import {
  type MmprojOuttype,
  mmprojOuttypes,
  type Outtype,
  outtypes,
  parseOuttype,
} from '../../convert/outtypes.js';
import { parseSize } from '../../convert/split-plan.js';

export const NO_CHECKSUM = [
  '--no-checksum',
  'without SHA-256, which is printed and kept beside each file in NAME.sha256',
] as const;

export function parseOuttypeFlag(text: string): Outtype {
  const outtype = parseOuttype(text);
  if (!outtype) throw new InvalidArgumentError(`Allowed choices are ${outtypes.join(', ')}.`);
  return outtype;
}

export function parseMmprojOuttypeFlag(text: string): MmprojOuttype {
  const outtype = mmprojOuttypes.find((name) => name === text.toLowerCase());
  if (!outtype) throw new InvalidArgumentError(`Allowed choices are ${mmprojOuttypes.join(', ')}.`);
  return outtype;
}

export function parseSizeFlag(text: string): number {
  const bytes = parseSize(text);
  if (!bytes)
    throw new InvalidArgumentError('Expected a size such as 2G, 500M or 64K (powers of ten).');
  return bytes;
}

/** Name, size, tensors; then the SHA-256 of each of its parts. */
export function describeFile({ path, bytes, tensors, sha256, parts }: WrittenFile): string[] {
  const files = parts ?? [{ path, sha256 }];
  const many = files.length > 1 ? ` in ${files.length} files` : '';
  return [
    `${path}  ${byteSize(bytes)}, ${tensors} tensors${many}`,
    ...files.flatMap((file) =>
      file.sha256 ? [`  sha256 ${file.sha256}  ${basename(file.path)}`] : [],
    ),
  ];
}
