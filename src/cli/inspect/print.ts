import { byteSize } from '../../byte-size.js';
import type { MemoryEstimate } from '../../load/memory.js';
import type { Inspection, ShownArray } from './file.js';
import { loraLines } from './lora.js';

const MAX_VALUE_LENGTH = 100;

/** For people: metadata, one line per tensor, totals. */
export function printInspection(inspection: Inspection): string {
  const { path, format, version, parts, metadata, tensors, totals } = inspection;
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
    `${totals.tensors} tensors, ${totals.parameters.toLocaleString('en')} parameters, ${byteSize(totals.bytes)}${partsNote(parts)}`,
    ...Object.entries(totals.types).map(
      ([type, of]) =>
        `  ${type.padEnd(typeWidth)} ${byteSize(of.bytes).padStart(9)} in ${of.tensors} tensors`,
    ),
    ...decoderLines(inspection),
    ...visualLines(inspection),
    ...loraLines(inspection),
  ];
  return `${lines.join('\n')}\n`;
}

function partsNote(parts: Inspection['parts']): string {
  if (!parts) return '';
  return parts.unread === undefined
    ? ` in ${parts.count} files`
    : ` in the first of ${parts.count} files (${parts.unread})`;
}

function decoderLines({ kvBytesPer1024, memory }: Inspection): string[] {
  const sizes = Object.entries(kvBytesPer1024 ?? {});
  const kv = sizes.map(([type, bytes]) => `${byteSize(bytes)} in ${type}`).join(', ');
  const lines = kv ? [`KV cache for 1024 positions: ${kv}`] : [];
  if (!memory) return lines;
  const { contextSize, hasVision, byKvType } = memory;
  const parts = ['weights', 'kvCache', 'compute', ...(hasVision ? ['vision', 'pictures'] : [])];
  const titles = ['KV type', ...parts.map((part) => PART_TITLES[part] ?? part), 'together'];
  const rows = Object.entries(byKvType).map(([type, estimate]) => [
    type,
    ...parts.map((part) => byteSize(estimate[part as Exclude<keyof MemoryEstimate, 'devices'>])),
    byteSize(estimate.host),
  ]);
  const more = hasVision ? '' : ' (without an mmproj)';
  return [...lines, `Memory for ${contextSize} positions${more}:`, ...table([titles, ...rows])];
}

const PART_TITLES: Record<string, string> = { kvCache: 'cache', vision: 'tower' };

function visualLines({ images, grids, otherMedia }: Inspection): string[] {
  if (!images || !grids || !otherMedia) return [];
  const rows = images.map(({ width, height, tiles, rows }, i) => [
    `${width}×${height}`,
    `${grids[i]!.cols}×${grids[i]!.rows}`,
    String(tiles),
    String(rows),
  ]);
  return [
    'Visual rows (tokens of the prompt) of a picture:',
    ...table([['pixels', 'grid', 'tiles', 'rows'], ...rows]),
    `One of several pictures: ${otherMedia.oneOfSeveral} rows; a clip of ${otherMedia.videoFrames} frames: ${otherMedia.video}`,
  ];
}

/** Columns under their titles, to the right. */
function table(rows: string[][]): string[] {
  const widths = rows[0]!.map((_, i) => Math.max(...rows.map((row) => row[i]!.length)));
  return rows.map((row) => `  ${row.map((cell, i) => cell.padStart(widths[i]!)).join('  ')}`);
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
