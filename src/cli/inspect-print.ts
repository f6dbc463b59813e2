import { byteSize } from './byte-size.js';
import type { Inspection, ShownArray } from './inspect-file.js';

const MAX_VALUE_LENGTH = 100;

/** For people: metadata, one line per tensor, totals. */
export function printInspection(inspection: Inspection): string {
  const { path, format, version, metadata, tensors, totals, kvBytesPer1024, images } = inspection;
  const entries = Object.entries(metadata);
  const keyWidth = Math.max(0, ...entries.map(([key]) => key.length));
  const nameWidth = Math.max(0, ...tensors.map(({ name }) => name.length));
  const typeWidth = Math.max(0, ...tensors.map(({ type }) => type.length));
  const lines = [
    `${path}: ${format}${version === undefined ? '' : ` version ${version}`}`,
    '',
    ...entries.map(([key, value]) => `  ${key.padEnd(keyWidth)}  ${printValue(value)}`),
    '',
    ...tensors.map(
      ({ name, type, shape, bytes }) =>
        `  ${name.padEnd(nameWidth)}  ${type.padEnd(typeWidth)} ${byteSize(bytes).padStart(9)}  [${shape.join(', ')}]`,
    ),
    '',
    `${totals.tensors} tensors, ${totals.parameters.toLocaleString('en')} parameters, ${byteSize(totals.bytes)}`,
  ];
  if (kvBytesPer1024)
    lines.push(
      `KV cache for 1024 positions: ${Object.entries(kvBytesPer1024)
        .map(([type, bytes]) => `${byteSize(bytes)} in ${type}`)
        .join(', ')}`,
    );
  for (const { width, height, tiles, rows } of images ?? [])
    lines.push(`An image of ${width}×${height}: ${tiles} tiles, ${rows} visual rows`);
  return `${lines.join('\n')}\n`;
}

function printValue(value: unknown): string {
  const text = isShownArray(value)
    ? `[${value.first.map((item) => JSON.stringify(item)).join(', ')}, …] (${value.length}${value.type && ` ${value.type}`})`
    : JSON.stringify(value);
  return text.length > MAX_VALUE_LENGTH ? `${text.slice(0, MAX_VALUE_LENGTH)}…` : text;
}

function isShownArray(value: unknown): value is ShownArray {
  return typeof value === 'object' && value !== null && 'first' in value;
}
