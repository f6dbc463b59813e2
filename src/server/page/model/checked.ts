/** Values of a file that somebody gave, read one by one: a wrong one is told by its place. What nobody asks for is ignored. */

/** A file is not what it should be; its message is for people. */
export class BadImport extends Error {
  override readonly name = 'BadImport';
}

export class Checked {
  readonly #value: unknown;
  readonly #place: string;

  constructor(value: unknown, place = '') {
    this.#value = value;
    this.#place = place;
  }

  get isAbsent(): boolean {
    return this.#value === undefined || this.#value === null;
  }

  field(name: string): Checked {
    const value = this.#value;
    if (typeof value !== 'object' || value === null || Array.isArray(value))
      throw this.wrong('an object');
    const found = Object.hasOwn(value, name) ? (value as Record<string, unknown>)[name] : undefined;
    return new Checked(found, this.#place === '' ? name : `${this.#place}.${name}`);
  }

  names(): string[] {
    this.field('');
    return Object.keys(this.#value as object);
  }

  list(max: number): Checked[] {
    const value = this.#value;
    if (!Array.isArray(value) || value.length > max) throw this.wrong(`a list of at most ${max}`);
    return value.map((one, i) => new Checked(one, `${this.#place}[${i}]`));
  }

  text(max: number): string {
    const value = this.#value;
    if (typeof value === 'string' && value.length <= max) return value;
    throw this.wrong(`a text of at most ${max} characters`);
  }

  number(min: number, max: number): number {
    const value = this.#value;
    if (typeof value === 'number' && value >= min && value <= max) return value;
    throw this.wrong(`a number from ${min} to ${max}`);
  }

  flag(): boolean {
    if (typeof this.#value === 'boolean') return this.#value;
    throw this.wrong('true or false');
  }

  choice<T extends string>(of: readonly T[]): T {
    if (of.includes(this.#value as T)) return this.#value as T;
    throw this.wrong(`one of ${of.join(', ')}`);
  }

  wrong(expected: string): BadImport {
    return new BadImport(`${this.#place || 'The file'} has to be ${expected}.`);
  }
}
