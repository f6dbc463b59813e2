/** Random JSON schemas as people write them, only wilder: every keyword, nested and combined. */
type Schema = Record<string, unknown> | boolean;

const PATTERNS = [
  '^[a-z]{1,3}$',
  'a',
  '^x|y$',
  '^\\d+$',
  '^[^b]*$',
  '(ab|c)+$',
  '^.{2,4}$',
  '[A-Z]',
  '^$',
  '\\s',
];
const FORMATS = [
  'date',
  'time',
  'date-time',
  'uuid',
  'email',
  'ipv4',
  'ipv6',
  'hostname',
  'uri',
  'json-pointer',
  'duration',
  'uri-reference',
];
const NAMES = ['a', 'b', 'ab', 'name', 'x', 'é', 'a"b'];
const TYPES = ['null', 'boolean', 'number', 'integer', 'string', 'array', 'object'];
const VALUES = [
  null,
  true,
  false,
  0,
  1,
  -2,
  2.5,
  'a',
  'ab',
  'é"\\\n',
  [],
  [1],
  {},
  { a: 1 },
  { b: null, a: 'x' },
];

export class RandomSchemas {
  constructor(private readonly random: () => number) {}

  private int(below: number): number {
    return Math.floor(this.random() * below);
  }

  private pick<T>(list: readonly T[]): T {
    return list[this.int(list.length)]!;
  }

  private some<T>(list: readonly T[], most: number): T[] {
    return [...new Set(Array.from({ length: 1 + this.int(most) }, () => this.pick(list)))];
  }

  /** The keywords of definitions are named d0 to d2. */
  document(): Record<string, unknown> {
    const root = this.schema(3) as Record<string, unknown>;
    const definitions = { d0: this.schema(1), d1: this.schema(2), d2: this.schema(2) };
    return { ...(typeof root === 'object' ? root : { not: {} }), $defs: definitions };
  }

  schema(depth: number): Schema {
    if (this.int(30) === 0) return this.int(3) > 0;
    const schema: Record<string, unknown> = {};
    if (this.int(10) > 2) {
      const types = this.some(TYPES, this.int(4) === 0 ? 3 : 1);
      schema.type = types.length === 1 ? types[0] : types;
    }
    const parts = [
      () => this.numbers(schema),
      () => this.strings(schema),
      () => this.arrays(schema, depth - 1),
      () => this.objects(schema, depth - 1),
    ];
    const type = schema.type;
    const own = { number: 0, integer: 0, string: 1, array: 2, object: 3 }[String(type)];
    if (own !== undefined) parts[own]!();
    else if (this.int(3) === 0) this.pick(parts)();
    if (depth > 0 && this.int(4) === 0) this.logic(schema, depth - 1);
    if (this.int(12) === 0) schema.enum = this.some(VALUES, 4);
    if (this.int(20) === 0) schema.const = this.pick(VALUES);
    if (this.int(10) === 0) schema.$ref = `#/$defs/d${this.int(3)}`;
    return schema;
  }

  private numbers(schema: Record<string, unknown>): void {
    const bounds = [-20, -3, -0.5, 0, 1, 2.25, 7, 10, 99.5, 100, 1000];
    if (this.int(2)) schema.minimum = this.pick(bounds);
    if (this.int(2)) schema.maximum = this.pick(bounds);
    if (this.int(4) === 0) schema.exclusiveMinimum = this.pick(bounds);
    if (this.int(4) === 0) schema.exclusiveMaximum = this.pick(bounds);
    if (this.int(5) === 0) schema.multipleOf = this.pick([1, 2, 3, 7, 0.5, 2.5, 10]);
  }

  private strings(schema: Record<string, unknown>): void {
    if (this.int(3) === 0) schema.minLength = this.int(4);
    if (this.int(3) === 0) schema.maxLength = this.int(9);
    if (this.int(3) === 0) schema.pattern = this.pick(PATTERNS);
    if (this.int(4) === 0) schema.format = this.pick(FORMATS);
  }

  private arrays(schema: Record<string, unknown>, depth: number): void {
    if (depth < 0) return;
    if (this.int(3) > 0) schema.items = this.schema(depth);
    if (this.int(4) === 0) schema.prefixItems = [this.schema(depth), this.schema(depth)];
    if (this.int(3) === 0) schema.minItems = this.int(3);
    if (this.int(3) === 0) schema.maxItems = this.int(5);
    if (this.int(6) === 0) schema.contains = this.schema(depth);
    if (this.int(8) === 0) schema.uniqueItems = true;
    if (this.int(12) === 0) schema.maxContains = this.int(3);
    if (this.int(12) === 0) schema.unevaluatedItems = false;
  }

  private objects(schema: Record<string, unknown>, depth: number): void {
    if (depth < 0) return;
    const named = (): Record<string, unknown> =>
      Object.fromEntries(this.some(NAMES, 4).map((name) => [name, this.schema(depth)]));
    if (this.int(5) > 0) schema.properties = named();
    if (this.int(2)) schema.required = this.some(NAMES, 2);
    if (this.int(2)) schema.additionalProperties = this.int(2) ? false : this.schema(depth);
    if (this.int(6) === 0) schema.patternProperties = { [this.pick(PATTERNS)]: this.schema(depth) };
    if (this.int(8) === 0) schema.propertyNames = { pattern: this.pick(PATTERNS) };
    if (this.int(6) === 0) schema.minProperties = this.int(3);
    if (this.int(6) === 0) schema.maxProperties = this.int(5);
    if (this.int(8) === 0) schema.dependentRequired = { [this.pick(NAMES)]: this.some(NAMES, 2) };
    if (this.int(10) === 0) schema.dependentSchemas = { [this.pick(NAMES)]: this.schema(depth) };
    // With dependentSchemas ajv 8 forgets what is evaluated.
    if (this.int(12) === 0 && !schema.dependentSchemas) schema.unevaluatedProperties = false;
  }

  private logic(schema: Record<string, unknown>, depth: number): void {
    const list = () => Array.from({ length: 1 + this.int(3) }, () => this.schema(depth));
    const kind = this.int(6);
    if (kind === 0) schema.allOf = list();
    if (kind === 1) schema.anyOf = list();
    if (kind === 2) schema.oneOf = list();
    if (kind === 3) schema.not = this.schema(depth);
    if (kind > 3) {
      schema.if = this.schema(depth);
      // biome-ignore lint/suspicious/noThenProperty: a keyword of JSON schema
      if (this.int(3)) schema.then = this.schema(depth);
      if (this.int(3)) schema.else = this.schema(depth);
    }
  }
}
