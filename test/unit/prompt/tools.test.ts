import { describe, expect, it } from 'vitest';
import { promptText, renderPrompt } from '../../../src/prompt/chatml.js';
import { type Message, validateMessages } from '../../../src/prompt/messages.js';

const tools = [
  { name: 'add', description: 'Adds.', parameters: { type: 'object', properties: {} } },
];
const LIST = `# Tools

You may call one or more functions to assist with the user query.

You are provided with function signatures within <tools></tools> XML tags:
<tools>
{"type": "function", "function": {"name": "add", "description": "Adds.", "parameters": {"type": "object", "properties": {}}}}
</tools>

For each function call, return a json object with function name and arguments within <tool_call></tool_call> XML tags:
<tool_call>
{"name": <function-name>, "arguments": <args-json-object>}
</tool_call>`;

const messages: Message[] = [
  { role: 'user', content: 'Add.' },
  {
    role: 'assistant',
    content: 'So:',
    toolCalls: [
      { id: '1', name: 'add', arguments: { a: [1, 2] } },
      { id: '2', name: 'add', arguments: {} },
    ],
  },
  { role: 'tool', toolCallId: '1', content: '3' },
  { role: 'tool', toolCallId: '2', content: '0' },
];

it('lists tools, calls and results in the form of Qwen2.5, in the dialect llava-next', () => {
  expect(promptText(renderPrompt(messages, 'llava-next', { tools }))).toBe(
    `<|im_start|>system
You are a helpful assistant.

${LIST}<|im_end|>
<|im_start|>user
Add.<|im_end|>
<|im_start|>assistant
So:
<tool_call>
{"name": "add", "arguments": {"a": [1, 2]}}
</tool_call>
<tool_call>
{"name": "add", "arguments": {}}
</tool_call><|im_end|>
<|im_start|>user
<tool_response>
3
</tool_response>
<tool_response>
0
</tool_response><|im_end|>
<|im_start|>assistant
`,
  );
});

it('has no system message of its own in the dialect transformers, and keeps the one that is given', () => {
  const first = (given: Message[]) =>
    promptText(renderPrompt(given, 'transformers', { tools })).split('<|im_end|>')[0];
  expect(first(messages)).toBe(`<|im_start|>system \n${LIST}`);
  expect(first([{ role: 'system', content: 'Be brief.' }, ...messages])).toBe(
    `<|im_start|>system \nBe brief.\n\n${LIST}`,
  );
});

describe('arguments that are not JSON are refused', () => {
  const loop: Record<string, unknown> = {};
  loop.self = loop;
  const deep = JSON.parse(`{"a":${'['.repeat(5000)}${']'.repeat(5000)}}`);
  it.each([
    ['a BigInt', { a: 1n }],
    ['a loop', loop],
    ['endless nesting', deep],
    ['a list', []],
    ['what turns into something else', { toJSON: () => 'x' }],
  ])('%s', (_, given) => {
    const toolCalls = [{ id: '1', name: 'add', arguments: given }];
    const wrong = [
      { role: 'user', content: 'x' },
      { role: 'assistant', content: '', toolCalls },
    ];
    const argument = 'messages[1].toolCalls[0].arguments';
    expect(() => validateMessages(wrong)).toThrow(
      expect.objectContaining({ code: 'ERR_INVALID_ARGUMENT', argument }),
    );
  });
});
