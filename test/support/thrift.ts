/** Thrift’s compact protocol, as far as Parquet’s headers take it. */

export type Field =
  | [id: number, type: 'i32' | 'i64', value: number]
  | [id: number, type: 'string', value: string]
  | [id: number, type: 'strings', value: string[]]
  | [id: number, type: 'i32s', value: number[]]
  | [id: number, type: 'struct', value: Fields]
  | [id: number, type: 'structs', value: Fields[]];

export type Fields = Field[];

const TYPE = { i32: 5, i64: 6, string: 8, strings: 9, i32s: 9, struct: 12, structs: 9 };

export function struct(fields: Fields): Buffer {
  let last = 0;
  const out = fields.flatMap(([id, type, value]) => {
    const head = Buffer.from([((id - last) << 4) | TYPE[type]]);
    last = id;
    return [head, thrift(type, value)];
  });
  return Buffer.concat([...out, Buffer.from([0])]);
}

function thrift(type: Field[1], value: Field[2]): Buffer {
  switch (type) {
    case 'i32':
    case 'i64':
      return zigzag(value as number);
    case 'string':
      return text(value as string);
    case 'struct':
      return struct(value as Fields);
    case 'strings':
      return list(TYPE.string, (value as string[]).map(text));
    case 'i32s':
      return list(TYPE.i32, (value as number[]).map(zigzag));
    case 'structs':
      return list(TYPE.struct, (value as Fields[]).map(struct));
  }
}

function list(type: number, items: Buffer[]): Buffer {
  const head =
    items.length < 15
      ? Buffer.from([(items.length << 4) | type])
      : Buffer.concat([Buffer.from([0xf0 | type]), varint(items.length)]);
  return Buffer.concat([head, ...items]);
}

const text = (value: string) => {
  const bytes = Buffer.from(value);
  return Buffer.concat([varint(bytes.length), bytes]);
};

const zigzag = (value: number) => varint(value * 2);

export function varint(value: number): Buffer {
  const bytes: number[] = [];
  for (let rest = value; ; rest = Math.floor(rest / 128)) {
    if (rest < 128) return Buffer.from([...bytes, rest]);
    bytes.push((rest % 128) | 128);
  }
}
