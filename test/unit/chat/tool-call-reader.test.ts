import { expect, it } from 'vitest';
import { ToolCallReader } from '../../../src/chat/tool-call-reader.js';

const ANSWER = `I look.
<tool_call>
{"name": "find", "arguments": {"text": "a } \\" </tool_call> {", "deep": {"x": [1]}}}
</tool_call>
<tool_call>
{"name": "stop", "arguments": {}}
</tool_call>`;

/** The answer in pieces of one length. */
function read(text: string, length: number) {
  const reader = new ToolCallReader();
  let said = '';
  const args: string[] = [];
  for (let i = 0; i < text.length; i += length) {
    const out = reader.push(text.slice(i, i + length), i + length >= text.length);
    said += out.text;
    for (const delta of out.deltas) args[delta.index] = (args[delta.index] ?? '') + delta.arguments;
  }
  return { said, args, calls: reader.calls };
}

it.each([1, 2, 3, 7, 1000])('reads calls in pieces of %i characters', (length) => {
  const { said, args, calls } = read(ANSWER, length);
  expect(said).toBe('I look.');
  expect(calls).toEqual([
    {
      id: expect.stringMatching(/^call_\w+$/),
      name: 'find',
      arguments: { text: 'a } " </tool_call> {', deep: { x: [1] } },
    },
    { id: expect.any(String), name: 'stop', arguments: {} },
  ]);
  expect(args.map((text) => JSON.parse(text))).toEqual(calls.map((call) => call.arguments));
});

it('gives text that only looks like a call, and its end, as it is', () => {
  expect(read('a <tool_ca and <', 1).said).toBe('a <tool_ca and <');
  expect(read('ends with a space ', 4).said).toBe('ends with a space ');
});

it('has no call that was not ended', () => {
  const { calls, said } = read(ANSWER.slice(0, 60), 5);
  expect(calls).toEqual([]);
  expect(said).toBe('I look.');
});
