/** What ajv says of values: another's code, by which our grammars are judged. */
import { Ajv2020 } from 'ajv/dist/2020.js';
import addFormats from 'ajv-formats';

/** Whether the schema admits a value; undefined for a schema that refers to itself at one place, where ajv has no end. */
export type Judge = (value: unknown) => boolean | undefined;

export function ajvJudge(schema: object): Judge {
  const ajv = new Ajv2020({ strict: false });
  addFormats.default(ajv);
  return (
    withoutEnd(() => {
      const validate = ajv.compile(schema);
      return (value: unknown) => withoutEnd(() => validate(value) as boolean);
    }) ?? (() => undefined)
  );
}

function withoutEnd<T>(work: () => T): T | undefined {
  try {
    return work();
  } catch (error) {
    if (error instanceof RangeError) return undefined;
    throw error;
  }
}
