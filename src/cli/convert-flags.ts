/** Values of flags that `convert` and `quantize` share. */
import { InvalidArgumentError } from 'commander';
import { type Outtype, outtypes, parseOuttype } from '../convert/outtypes.js';
import { parseSize } from '../convert/split-plan.js';

export function parseOuttypeFlag(text: string): Outtype {
  const outtype = parseOuttype(text);
  if (!outtype) throw new InvalidArgumentError(`Allowed choices are ${outtypes.join(', ')}.`);
  return outtype;
}

export function parseSizeFlag(text: string): number {
  const bytes = parseSize(text);
  if (!bytes) throw new InvalidArgumentError('Expected a size such as 2G or 500M.');
  return bytes;
}
