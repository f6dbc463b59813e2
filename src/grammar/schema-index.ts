/**
 * All schemas of a document by number, with their JSON pointers, and what "$ref" means in each; equal ones have one
 * number. A literal is a schema or its opposite: twice the number, plus one for the opposite; ANYTHING and NOTHING are
 * true and false.
 * Only this document is read: a reference to another one is refused.
 */
import { schemaError } from './schema-error.js';

export type Schema = { readonly [keyword: string]: unknown };
export type Literal = number;
export const ANYTHING: Literal = 0;
export const NOTHING: Literal = 1;

/** Each once, in order; without ANYTHING, which asks nothing. */
export function conjunction(literals: readonly Literal[]): readonly Literal[] {
  if (literals.length === 1 && literals[0] !== ANYTHING) return literals;
  if (literals.length > FEW) {
    const sorted = [...new Set(literals)].sort((one, other) => one - other);
    return sorted[0] === ANYTHING ? sorted.slice(1) : sorted;
  }
  const sorted: Literal[] = [];
  for (let i = 0; i < literals.length; i++) {
    const literal = literals[i]!;
    if (literal === ANYTHING || sorted.includes(literal)) continue;
    let at = sorted.push(literal) - 1;
    for (; at > 0 && sorted[at - 1]! > literal; at--) sorted[at] = sorted[at - 1]!;
    sorted[at] = literal;
  }
  return sorted;
}

/** Literals that are sorted as they come. */
const FEW = 8;

const MAX_SCHEMAS = 50_000;
/** No literal is larger. */
export const MAX_LITERALS = 2 ** 20;
const MAX_DEPTH = 150;

const SCHEMA_KEYWORDS = new Set([
  'additionalItems',
  'additionalProperties',
  'contains',
  'contentSchema',
  'else',
  'if',
  'items',
  'not',
  'propertyNames',
  'then',
  'unevaluatedItems',
  'unevaluatedProperties',
]);
const LIST_KEYWORDS = new Set(['allOf', 'anyOf', 'oneOf', 'prefixItems', 'items']);
const MAP_KEYWORDS = new Set([
  '$defs',
  'definitions',
  'dependencies',
  'dependentSchemas',
  'patternProperties',
  'properties',
]);

/** What no grammar looks at. */
const ANNOTATIONS = new Set(['$comment', 'default', 'description', 'examples', 'title']);

interface Entry {
  readonly schema: Schema;
  readonly pointer: string;
  readonly base: string;
}

export class SchemaIndex {
  private readonly entries: Entry[] = [{ schema: {}, pointer: '', base: '' }];
  private readonly numbers = new Map<Schema, number>();
  private readonly byContent = new Map<string, number>();
  /** Schemas whose members are being read: what refers to one of them without "$ref" equals nothing else. */
  private readonly reading = new Map<Schema, number>();
  /** Schemas by their whole URI, with a fragment for anchors. */
  private readonly byUri = new Map<string, Schema>();
  private readonly dynamicAnchors = new Map<string, Schema[]>();
  private readings = 0;
  private readonly rootUri = 'schema:/root';

  constructor(root: Schema) {
    this.byUri.set(this.rootUri, root);
    this.add(root, '', this.rootUri, 0);
  }

  schemaOf(literal: Literal): Schema {
    return this.entries[literal >> 1]!.schema;
  }

  pointerOf(schema: Schema): string {
    return this.entries[this.numbers.get(schema) ?? 0]!.pointer;
  }

  /** @param owner the schema whose `keyword` holds the value, for errors. */
  literal(value: unknown, owner: Schema, keyword: string): Literal {
    if (value === true) return ANYTHING;
    if (value === false) return NOTHING;
    if (!isSchema(value)) {
      throw schemaError(this.pointerOf(owner), keyword, 'a schema is an object, true or false');
    }
    if (Object.keys(value).length === 0) return ANYTHING;
    const known = this.numbers.get(value);
    if (known !== undefined) return known * 2;
    const parent = this.entries[this.numbers.get(owner) ?? 0]!;
    this.add(value, `${parent.pointer}/${keyword}`, parent.base, 0);
    return this.numbers.get(value)! * 2;
  }

  /** The literal of the schema that a reference of `owner` names. */
  resolve(reference: unknown, owner: Schema, keyword: string): Literal {
    const pointer = this.pointerOf(owner);
    if (typeof reference !== 'string') throw schemaError(pointer, keyword, 'a reference is a text');
    const base = this.entries[this.numbers.get(owner) ?? 0]!.base;
    const uri = resolveUri(reference, base);
    const name = uri.slice(uri.indexOf('#') + 1);
    const dynamic = uri.includes('#') ? this.dynamicAnchors.get(name) : undefined;
    if (keyword === '$dynamicRef' && dynamic && dynamic.length > 1) {
      throw schemaError(pointer, keyword, `"${name}" has several meanings; write "$ref"`);
    }
    const target = this.find(uri);
    if (target === undefined) {
      throw schemaError(
        pointer,
        keyword,
        `"${reference}" is not in this schema, and other documents are not read; put it under "$defs"`,
      );
    }
    return this.literal(target, owner, keyword);
  }

  private find(uri: string): unknown {
    const exact = this.byUri.get(uri.replace(/#$/, ''));
    if (exact) return exact;
    const [document, fragment = ''] = uri.split('#') as [string, string?];
    const root = this.byUri.get(document);
    if (!root || !fragment.startsWith('/')) return undefined;
    let value: unknown = root;
    for (const token of fragment.slice(1).split('/')) {
      if (typeof value !== 'object' || value === null) return undefined;
      const key = decode(token).replaceAll('~1', '/').replaceAll('~0', '~');
      value = Object.hasOwn(value, key) ? (value as Record<string, unknown>)[key] : undefined;
    }
    if (isSchema(value) && !this.numbers.has(value)) {
      const base = this.entries[this.numbers.get(root)!]!;
      this.add(value, base.pointer + decode(fragment), base.base, 0);
    }
    if (isSchema(value)) this.note(uri, value);
    return value;
  }

  /** Reads the schemas inside first: what they are numbered is what the schema says. */
  private add(schema: Schema, pointer: string, parentBase: string, depth: number): void {
    if (this.numbers.has(schema) || this.reading.has(schema)) return;
    if (depth > MAX_DEPTH || this.numbers.size > MAX_SCHEMAS) {
      const limit = depth > MAX_DEPTH ? `${MAX_DEPTH} levels` : `${MAX_SCHEMAS} schemas`;
      throw schemaError(pointer.slice(0, 200), '$defs', `it has more than ${limit}`);
    }
    const base = this.identify(schema, parentBase);
    this.reading.set(schema, this.readings++);
    let key = base;
    const inner = (value: unknown, place: string): string => {
      if (!isSchema(value)) return JSON.stringify(value) ?? '';
      this.add(value, place, base, depth + 1);
      const number = this.numbers.get(value);
      return number === undefined ? `@${this.reading.get(value)}` : `#${number}`;
    };
    const keywords = Object.keys(schema);
    for (let i = 0; i < keywords.length; i++) {
      const keyword = keywords[i]!;
      if (ANNOTATIONS.has(keyword)) continue;
      const value = schema[keyword];
      // None of those with schemas inside has to be escaped.
      const place = `${pointer}/${keyword}`;
      key += `\n${keyword}`;
      if (LIST_KEYWORDS.has(keyword) && Array.isArray(value)) {
        for (let j = 0; j < value.length; j++) key += ` ${inner(value[j], `${place}/${j}`)}`;
      } else if (MAP_KEYWORDS.has(keyword) && isSchema(value)) {
        const names = Object.keys(value);
        for (let j = 0; j < names.length; j++) {
          const name = names[j]!;
          key += ` ${JSON.stringify(name)}:${inner(value[name], `${place}/${escapeToken(name)}`)}`;
        }
      } else key += SCHEMA_KEYWORDS.has(keyword) ? inner(value, place) : JSON.stringify(value);
    }
    this.reading.delete(schema);
    let number = this.byContent.get(key);
    if (number === undefined) {
      number = this.entries.push({ schema, pointer, base }) - 1;
      this.byContent.set(key, number);
    }
    this.numbers.set(schema, number);
  }

  /** Notes the names of a schema; returns the base of the references inside. */
  private identify(schema: Schema, parentBase: string): string {
    const id = schema.$id ?? schema.id;
    let base = parentBase;
    // Before 2019 an $id beside $ref had no meaning.
    if (typeof id === 'string' && (typeof schema.$ref !== 'string' || schema.$defs)) {
      const uri = resolveUri(id, parentBase);
      if (id.startsWith('#')) this.note(uri, schema);
      else {
        base = uri.replace(/#.*$/, '');
        this.note(base, schema);
      }
    }
    const { $anchor: anchor, $dynamicAnchor: dynamic } = schema;
    if (typeof anchor === 'string') this.note(`${base}#${anchor}`, schema);
    if (typeof dynamic === 'string') {
      this.note(`${base}#${dynamic}`, schema);
      this.dynamicAnchors.set(dynamic, [...(this.dynamicAnchors.get(dynamic) ?? []), schema]);
    }
    return base;
  }

  private note(uri: string, schema: Schema): void {
    if (!this.byUri.has(uri)) this.byUri.set(uri, schema);
  }
}

export function isSchema(value: unknown): value is Schema {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function resolveUri(reference: string, base: string): string {
  if (reference.startsWith('#')) return base + reference;
  try {
    return new URL(reference, base).href;
  } catch {
    return reference;
  }
}

function escapeToken(token: string): string {
  return /[~/]/.test(token) ? token.replaceAll('~', '~0').replaceAll('/', '~1') : token;
}

function decode(token: string): string {
  try {
    return decodeURIComponent(token);
  } catch {
    return token;
  }
}
