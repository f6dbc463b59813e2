/** How many calls the grammar of an answer with tools admits. */
import { expect, it } from 'vitest';
import { resolveTools } from '../../../src/chat/tool-options.js';
import { grammarAdmits } from '../../support/grammar-matcher.js';

const tools = [{ name: 'look' }];
const call = '<tool_call>\n{"name": "look", "arguments": {}}\n</tool_call>';
const START = '<tool_call>';

it.each(['required', 'auto'])('admits several calls, or one: %s', (choice) => {
  const calls = (count: number) => {
    const text = Array(count).fill(call).join('\n');
    return choice === 'auto' ? text.slice(START.length) : text;
  };
  for (const [option, most] of [
    [undefined, 3],
    [true, 3],
    [false, 1],
  ] as const) {
    const { grammar } = resolveTools(tools, choice, option)!;
    for (const count of [1, 2, 3])
      expect(grammarAdmits(grammar, calls(count)), `${option} ${count}`).toBe(count <= most);
  }
});

it('refuses what is no boolean', () => {
  expect(() => resolveTools(tools, 'auto', 'no')).toThrow(
    expect.objectContaining({ code: 'ERR_INVALID_ARGUMENT' }),
  );
});
