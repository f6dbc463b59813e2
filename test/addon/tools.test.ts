/** Tools on the real engine with the demo model, which has never heard of them: what the grammar alone assures. */
import { afterAll, beforeAll, expect, it } from 'vitest';
import { z } from 'zod';
import { LlavaOneVision, type Message, type Tool } from '../../src/index.js';
import { convertedFiles } from '../support/golden.js';

let model: LlavaOneVision;
beforeAll(async () => {
  const files = { ...(await convertedFiles('demo', 'f16')), threads: 1 };
  model = await LlavaOneVision.load({ ...files, contextSize: 8192, maxSequences: 2 });
});
afterAll(() => model?.dispose());

const hello: Message[] = [{ role: 'user', content: 'Hello?' }];
const colours = ['red', 'green'];
const tools: Tool[] = [
  {
    name: 'paint',
    description: 'Paints it.',
    parameters: z.object({ colour: z.enum(['red', 'green']), coats: z.int().min(1).max(3) }),
  },
  {
    name: 'stop_it',
    parameters: {
      $defs: { why: { enum: ['late', 'done'] } },
      type: 'object',
      properties: { why: { $ref: '#/$defs/why' } },
      required: ['why'],
      additionalProperties: false,
    },
  },
];

it('calls one named tool with arguments of its schema', async () => {
  for (let seed = 0; seed < 5; seed++) {
    const options = { tools, toolChoice: { name: 'paint' }, temperature: 1.5, seed };
    const { toolCalls, finishReason, text } = await model.chat(hello, options).result;
    expect(finishReason).toBe('tool-calls');
    expect(text).toBe('');
    expect(toolCalls).toHaveLength(1);
    expect(toolCalls![0]).toMatchObject({ id: expect.stringMatching(/^call_/), name: 'paint' });
    const { colour, coats } = toolCalls![0]!.arguments as { colour: string; coats: number };
    expect(colours).toContain(colour);
    expect([1, 2, 3]).toContain(coats);
  }
});

it('calls at least one tool where that is required, and streams the arguments', async () => {
  const stream = model.chat(hello, { tools, toolChoice: 'required', maxTokens: 400, seed: 1 });
  const written: string[] = [];
  const names: string[] = [];
  for await (const { toolCalls = [] } of stream) {
    for (const { index, name, arguments: piece } of toolCalls) {
      names[index] = name;
      written[index] = (written[index] ?? '') + piece;
    }
  }
  const { toolCalls } = await stream.result;
  expect(toolCalls!.length).toBeGreaterThan(0);
  for (const [i, call] of toolCalls!.entries()) {
    expect(names[i]).toBe(call.name);
    expect(JSON.parse(written[i]!)).toEqual(call.arguments);
  }
});

it('leaves the answer free where the model decides', async () => {
  const free = await model.chat(hello, { tools, maxTokens: 40 }).result;
  expect(free).toMatchObject({ toolCalls: [] });
  expect(free.text).not.toBe('');
  const without = await model.chat(hello, { tools, toolChoice: 'none', maxTokens: 4 }).result;
  expect(without).not.toHaveProperty('toolCalls');
});

it('shows tools, calls and results to the model in the Hermes form', async () => {
  const messages: Message[] = [
    ...hello,
    {
      role: 'assistant',
      content: '',
      toolCalls: [{ id: 'c1', name: 'stop_it', arguments: { why: 'done' } }],
    },
    { role: 'tool', toolCallId: 'c1', content: 'It stopped.' },
  ];
  const { prompt } = await model.render(messages, { tools });
  expect(prompt).toContain('# Tools\n\nYou may call one or more functions');
  expect(prompt).toContain(
    '<tool_call>\n{"name": "stop_it", "arguments": {"why": "done"}}\n</tool_call><|im_end|>',
  );
  expect(prompt).toContain('user\n<tool_response>\nIt stopped.\n</tool_response><|im_end|>');
  const { finishReason } = await model.chat(messages, { tools, maxTokens: 4 }).result;
  expect(['stop', 'length', 'tool-calls']).toContain(finishReason);
});

it('refuses tools and calls of a wrong form', () => {
  const chat =
    (options: object, messages: unknown = hello) =>
    () =>
      model.chat(messages as Message[], options);
  const invalid = expect.objectContaining({ code: 'ERR_INVALID_ARGUMENT' });
  for (const options of [
    { tools: [] },
    { tools: [{ name: 'a b' }] },
    { tools: [tools[0], tools[0]] },
    { tools, toolChoice: { name: 'other' } },
    { toolChoice: 'required' },
    { tools, responseFormat: { type: 'json_object' } },
  ])
    expect(chat(options)).toThrow(invalid);
  expect(chat({ tools: [{ name: 'a', parameters: { type: 'strin' } }] })).toThrow(
    expect.objectContaining({ code: 'ERR_SCHEMA' }),
  );
  for (const last of [
    { role: 'tool', content: 'x', toolCallId: 'unknown' },
    { role: 'tool', content: 5, toolCallId: 'x' },
    { role: 'assistant', content: '', toolCalls: [{ id: '1', name: 'a', arguments: '{}' }] },
  ])
    expect(chat({}, [...hello, last])).toThrow(invalid);
});
