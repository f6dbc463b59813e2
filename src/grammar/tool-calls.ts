/** The grammar of calls in Qwen2's Hermes form: names of the tools, arguments by their schemas. */
import { Expander } from './expand.js';
import type { Alternative } from './gbnf.js';
import { refusingTooLarge } from './json-schema-to-grammar.js';
import { schemaError } from './schema-error.js';
import { literal } from './terminals.js';
import { ValueWriter } from './write-value.js';

export interface CallableTool {
  readonly name: string;
  /** JSON schema of the arguments, an object. */
  readonly parameters: object;
}

const START = '<tool_call>';

/**
 * @param isStarted the grammar begins behind the first `<tool_call>`.
 * @param isSeveral further calls may follow.
 * @throws ERR_SCHEMA; the pointer begins with the name of the tool
 */
export function toolCallGrammar(
  tools: readonly CallableTool[],
  { isStarted, isSeveral }: { isStarted: boolean; isSeveral: boolean },
): string {
  return refusingTooLarge(() => {
    // Each schema is a document of its own: "#" in it is its root.
    const documents = tools.map(({ name, parameters }, i) => ({
      $id: `tool:/${i}`,
      ...parameters,
      title: name,
    }));
    const root = { $defs: Object.fromEntries(tools.map(({ name }, i) => [name, documents[i]])) };
    const writer = new ValueWriter(new Expander(root));
    const { builder, expander } = writer;
    const calls = tools.map(({ name }, i): Alternative => {
      const parameters = expander.index.literal(documents[i], root, '$defs');
      const object = expander.index.literal({ type: 'object' }, root, '$defs');
      const value = writer.value(`${name}-arguments`, [parameters, object]);
      return [literal(`{"name": ${JSON.stringify(name)}, "arguments": `), value, literal('}')];
    });
    const call = builder.rule('call', calls);
    const body: Alternative = [literal('\n'), call, literal('\n</tool_call>')];
    const more = builder.declare('more-calls');
    builder.define(more, [[literal(`\n${START}`), ...body, more], []]);
    const start: Alternative = isStarted ? [] : [literal(START)];
    const first = builder.rule('calls', [[...start, ...body, ...(isSeveral ? [more] : [])]]);
    const grammar = builder.write(first);
    if (grammar === undefined) {
      throw schemaError('', 'parameters', 'no arguments keep all that the tools ask for');
    }
    return grammar;
  });
}
