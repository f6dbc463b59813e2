/**
 * A JSON schema (drafts 4 to 2020-12) to a grammar in llama.cpp's GBNF: every text that the grammar admits is JSON that
 * the schema admits. What cannot be said is refused, never loosened.
 */
import { LlavaError } from '../errors.js';
import { Expander } from './expand.js';
import { GrammarTooLarge } from './gbnf.js';
import { TooManyStates } from './language.js';
import { schemaError } from './schema-error.js';
import { isSchema, type Schema } from './schema-index.js';
import { ValueWriter } from './write-value.js';

/**
 * @param schema an object, or true for any JSON.
 * @returns GBNF whose first rule is `root`.
 * @throws ERR_SCHEMA { pointer, keyword }: what cannot be kept, where, and what to write instead.
 */
export function jsonSchemaToGrammar(schema: unknown): string {
  try {
    return grammarOf(schema);
  } catch (error) {
    if (error instanceof LlavaError) throw error;
    throw schemaError('', '$schema', 'it cannot be read', { cause: error });
  }
}

function grammarOf(schema: unknown): string {
  if (schema !== true && !isSchema(schema)) {
    throw schemaError('', '$schema', 'a schema is an object, or true for any JSON');
  }
  const root: Schema = schema === true ? {} : schema;
  const grammar = refusingTooLarge(() => {
    const writer = new ValueWriter(new Expander(root));
    const { index } = writer.expander;
    return writer.builder.write(writer.value('root', [index.literal(root, root, '$schema')]));
  });
  if (grammar === undefined) throw schemaError('', 'type', 'no value keeps all that it asks for');
  return grammar;
}

/** Runs `write`; a grammar that grows too large is a refusal. */
export function refusingTooLarge<T>(write: () => T): T {
  try {
    return write();
  } catch (error) {
    // Texts and schemas are followed by recursion: those that are too long end it.
    const isLarge = [GrammarTooLarge, RangeError, TooManyStates].some(
      (kind) => error instanceof kind,
    );
    if (!isLarge) throw error;
    throw schemaError('', '$defs', 'its grammar is too large; leave out parts of it');
  }
}
