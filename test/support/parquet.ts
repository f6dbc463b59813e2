/**
 * Writes Parquet as the datasets have it: optional columns, lists, structs of bytes and path, several row groups.
 * The reader under test is another's, so what both agree on is the format. @see parquet-format README, thrift compact protocol
 */
import { writeFileSync } from 'node:fs';
import { gzipSync } from 'node:zlib';
import { type Field, type Fields, struct, varint } from './thrift.js';

export type ColumnType =
  | 'string'
  | 'int'
  | 'double'
  | 'bool'
  | 'image' // { bytes, path }
  | 'string[]'
  | 'int[]'
  | 'image[]';

interface Node {
  name: string;
  /** 1 optional, 2 repeated */
  repetition: 1 | 2;
  /** Of leaves: 0 boolean, 2 int64, 5 double, 6 byte array. */
  type?: 0 | 2 | 5 | 6;
  /** 0 UTF8, 3 LIST */
  converted?: 0 | 3;
  children?: Node[];
}

interface Leaf {
  node: Node;
  path: string[];
  maxDef: number;
  maxRep: number;
  values: unknown[];
  defs: number[];
  reps: number[];
}

const LEAVES = {
  string: { type: 6, converted: 0 },
  int: { type: 2 },
  double: { type: 5 },
  bool: { type: 0 },
  bytes: { type: 6 },
} as const;

/** @param options.rowGroup rows of each group */
export function writeParquet(
  path: string,
  columns: Readonly<Record<string, ColumnType>>,
  rows: readonly Readonly<Record<string, unknown>>[],
  options: { rowGroup?: number; codec?: 'none' | 'gzip' } = {},
): void {
  const { rowGroup = 100, codec = 'none' } = options;
  const schema = Object.entries(columns).map(([name, type]) => nodeOf(name, type));
  const parts: Buffer[] = [Buffer.from('PAR1')];
  let offset = 4;
  const groups = [];
  for (let start = 0; start < Math.max(1, rows.length); start += rowGroup) {
    const slice = rows.slice(start, start + rowGroup);
    const chunks = schema
      .flatMap((node) => shred(node, slice))
      .map((leaf) => {
        const { bytes, plainBytes } = page(leaf, codec);
        const at = offset;
        parts.push(bytes);
        offset += bytes.length;
        return { leaf, at, bytes: bytes.length, plainBytes };
      });
    groups.push({ chunks, rows: slice.length });
  }
  const footer = metadata(schema, groups, { rows: rows.length, codec });
  const length = Buffer.alloc(4);
  length.writeUInt32LE(footer.length);
  writeFileSync(path, Buffer.concat([...parts, footer, length, Buffer.from('PAR1')]));
}

function nodeOf(name: string, type: ColumnType): Node {
  if (type.endsWith('[]')) {
    const element = nodeOf('element', type.slice(0, -2) as ColumnType);
    const list: Node = { name: 'list', repetition: 2, children: [element] };
    return { name, repetition: 1, converted: 3, children: [list] };
  }
  if (type === 'image') {
    const children: Node[] = [
      { name: 'bytes', repetition: 1, ...LEAVES.bytes },
      { name: 'path', repetition: 1, ...LEAVES.string },
    ];
    return { name, repetition: 1, children };
  }
  return { name, repetition: 1, ...LEAVES[type as keyof typeof LEAVES] };
}

function shred(root: Node, rows: readonly Readonly<Record<string, unknown>>[]): Leaf[] {
  const leaves: Leaf[] = [];
  const collect = (node: Node, path: string[], maxDef: number, maxRep: number) => {
    const here = [...path, node.name];
    const def = maxDef + 1;
    const rep = maxRep + (node.repetition === 2 ? 1 : 0);
    if (node.children) for (const child of node.children) collect(child, here, def, rep);
    else
      leaves.push({ node, path: here, maxDef: def, maxRep: rep, values: [], defs: [], reps: [] });
  };
  collect(root, [], 0, 0);
  for (const leaf of leaves) for (const row of rows) put(leaf, root, row[root.name], 0, 0, 0);
  return leaves;
}

/** Dremel's levels of one value, going down to `leaf`. */
function put(
  leaf: Leaf,
  node: Node,
  value: unknown,
  depth: number,
  def: number,
  rep: number,
): void {
  if (node.repetition === 2) {
    const items = value as unknown[];
    if (items.length === 0) push(leaf, def, rep);
    items.forEach((item, i) => {
      putChild(leaf, node, item, depth, def + 1, i === 0 ? rep : leaf.maxRep);
    });
    return;
  }
  if (value === null || value === undefined) push(leaf, def, rep);
  else if (node.children) putChild(leaf, node, value, depth, def + 1, rep);
  else {
    leaf.values.push(value);
    push(leaf, def + 1, rep);
  }
}

function putChild(leaf: Leaf, node: Node, value: unknown, depth: number, def: number, rep: number) {
  const child = node.children!.find(({ name }) => name === leaf.path[depth + 1])!;
  const isWrapper = child.name === 'list' || child.name === 'element';
  const inner = isWrapper ? value : (value as Record<string, unknown>)[child.name];
  put(leaf, child, inner, depth + 1, def, rep);
}

function push(leaf: Leaf, def: number, rep: number): void {
  leaf.defs.push(def);
  leaf.reps.push(rep);
}

function page(leaf: Leaf, codec: 'none' | 'gzip'): { bytes: Buffer; plainBytes: number } {
  const plain = Buffer.concat([
    ...(leaf.maxRep > 0 ? [levels(leaf.reps, leaf.maxRep)] : []),
    levels(leaf.defs, leaf.maxDef),
    leaf.node.type === 0
      ? bits(leaf.values as boolean[])
      : Buffer.concat(leaf.values.map((v) => encode(leaf, v))),
  ]);
  const body = codec === 'gzip' ? gzipSync(plain) : plain;
  const header = struct([
    [1, 'i32', 0],
    [2, 'i32', plain.length],
    [3, 'i32', body.length],
    [
      5,
      'struct',
      [
        [1, 'i32', leaf.defs.length],
        [2, 'i32', 0],
        [3, 'i32', 3],
        [4, 'i32', 3],
      ],
    ],
  ]);
  return { bytes: Buffer.concat([header, body]), plainBytes: header.length + plain.length };
}

function encode({ node }: Leaf, value: unknown): Buffer {
  const fixed = Buffer.alloc(8);
  if (node.type === 2) fixed.writeBigInt64LE(BigInt(value as number));
  else if (node.type === 5) fixed.writeDoubleLE(value as number);
  else {
    const bytes = Buffer.from(value as string);
    const length = Buffer.alloc(4);
    length.writeUInt32LE(bytes.length);
    return Buffer.concat([length, bytes]);
  }
  return fixed;
}

function bits(values: boolean[]): Buffer {
  const out = Buffer.alloc(Math.ceil(values.length / 8));
  values.forEach((value, i) => {
    if (value) out[i >> 3]! |= 1 << (i & 7);
  });
  return out;
}

/** Runs of equal levels, length before them. */
function levels(values: number[], max: number): Buffer {
  const runs: Buffer[] = [];
  for (let i = 0; i < values.length; ) {
    let end = i;
    while (end < values.length && values[end] === values[i]) end++;
    runs.push(varint((end - i) * 2), Buffer.from([values[i]!]));
    i = end;
  }
  const body = Buffer.concat(runs);
  const length = Buffer.alloc(4);
  length.writeUInt32LE(body.length);
  if (max > 255) throw new Error('levels take one byte');
  return Buffer.concat([length, body]);
}

interface Group {
  chunks: { leaf: Leaf; at: number; bytes: number; plainBytes: number }[];
  rows: number;
}

function metadata(schema: Node[], groups: Group[], file: { rows: number; codec: string }): Buffer {
  const elements: Fields[] = [
    [
      [4, 'string', 'schema'],
      [5, 'i32', schema.length],
    ],
  ];
  const walk = (node: Node) => {
    elements.push([
      ...(node.type === undefined ? [] : [[1, 'i32', node.type] as Field]),
      [3, 'i32', node.repetition],
      [4, 'string', node.name],
      ...(node.children ? [[5, 'i32', node.children.length] as Field] : []),
      ...(node.converted === undefined ? [] : [[6, 'i32', node.converted] as Field]),
    ]);
    node.children?.forEach(walk);
  };
  schema.forEach(walk);
  const chunk = ({ leaf, at, bytes, plainBytes }: Group['chunks'][number]): Fields => [
    [2, 'i64', at],
    [
      3,
      'struct',
      [
        [1, 'i32', leaf.node.type!],
        [2, 'i32s', [0, 3]],
        [3, 'strings', leaf.path],
        [4, 'i32', file.codec === 'gzip' ? 2 : 0],
        [5, 'i64', leaf.defs.length],
        [6, 'i64', plainBytes],
        [7, 'i64', bytes],
        [9, 'i64', at],
      ],
    ],
  ];
  return struct([
    [1, 'i32', 1],
    [2, 'structs', elements],
    [3, 'i64', file.rows],
    [
      4,
      'structs',
      groups.map(
        ({ chunks, rows }): Fields => [
          [1, 'structs', chunks.map(chunk)],
          [2, 'i64', chunks.reduce((sum, { plainBytes }) => sum + plainBytes, 0)],
          [3, 'i64', rows],
        ],
      ),
    ],
  ]);
}
