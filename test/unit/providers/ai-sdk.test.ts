// The AI SDK's calls as the toy model gets them: what the prompt becomes, what is refused, what is warned of.
import type { LanguageModelV4CallOptions, LanguageModelV4FilePart } from '@ai-sdk/provider';
import { expect, it } from 'vitest';
import { type LlavaModelOptions, llavaOneVision } from '../../../src/providers/ai-sdk.js';
import { fakeModel } from '../../support/fake-model.js';

type Call = LanguageModelV4CallOptions;

async function generate(call: Call, options?: LlavaModelOptions) {
  let prompt = '';
  const { model, binding } = await fakeModel({
    reply: (seen) => {
      prompt = seen;
      return 'Yes.';
    },
  });
  const result = await llavaOneVision(model, options).doGenerate(call);
  return { prompt, result, sampler: binding.samplerOptions.at(-1)! };
}

const user = (text: string): Call['prompt'][number] => ({
  role: 'user',
  content: [{ type: 'text', text }],
});
const withFile = (file: Omit<LanguageModelV4FilePart, 'type'>): Call => ({
  prompt: [
    {
      role: 'user',
      content: [
        { type: 'file', ...file },
        { type: 'text', text: '?' },
      ],
    },
  ],
});

it('lays out a conversation with tools and their results', async () => {
  const call = (id: string) => ({
    ...{ type: 'tool-call' as const, toolCallId: id, toolName: 'add', input: { a: 1 } },
  });
  const back = (id: string, output: object) =>
    ({ type: 'tool-result', toolCallId: id, toolName: 'add', output }) as never;
  const { prompt } = await generate({
    prompt: [
      { role: 'system', content: 'One.' },
      { role: 'system', content: 'Two.' },
      user('Add.'),
      { role: 'assistant', content: [{ type: 'text', text: 'Well.' }, call('a'), call('b')] },
      {
        role: 'tool',
        content: [
          back('a', { type: 'json', value: { sum: 2 } }),
          back('b', { type: 'execution-denied', reason: 'no' }),
        ],
      },
      user('And?'),
    ],
  });
  expect(prompt).toBe(
    '<|im_start|>system\nOne.\n\nTwo.<|im_end|>\n<|im_start|>user\nAdd.<|im_end|>\n' +
      '<|im_start|>assistant\nWell.\n<tool_call>\n{"name": "add", "arguments": {"a": 1}}\n</tool_call>\n' +
      '<tool_call>\n{"name": "add", "arguments": {"a": 1}}\n</tool_call><|im_end|>\n' +
      '<|im_start|>user\n<tool_response>\n{"sum":2}\n</tool_response>\n<tool_response>\nDenied: no\n</tool_response><|im_end|>\n' +
      '<|im_start|>user\nAnd?<|im_end|>\n<|im_start|>assistant\n',
  );
});

it('gives the options of a call, and the defaults where it has none', async () => {
  const defaults = { minP: 0.1, repetitionPenalty: 1.5 };
  const { sampler, result } = await generate(
    {
      ...{ prompt: [user('?')], temperature: 0.5, topK: 3, topP: 0.9, seed: 7, maxOutputTokens: 2 },
      ...{ presencePenalty: 0.1, frequencyPenalty: 0.2, stopSequences: ['x'] },
      providerOptions: { llavaOneVision: { minP: 0.2 }, other: { unknown: 1 } },
    },
    { defaults },
  );
  expect(sampler).toMatchObject({
    ...{
      temperature: 0.5,
      topK: 3,
      topP: 0.9,
      seed: 7,
      presencePenalty: 0.1,
      frequencyPenalty: 0.2,
    },
    ...{ minP: 0.2, repetitionPenalty: 1.5 },
  });
  expect(result.finishReason).toEqual({ unified: 'length', raw: 'length' });
  expect(result.usage.outputTokens.total).toBe(2);
});

it('warns of what has no place', async () => {
  const inputSchema = { type: 'object', properties: {}, additionalProperties: false } as const;
  const { result } = await generate({
    prompt: [
      user('?'),
      {
        role: 'assistant',
        content: [
          { type: 'reasoning', text: 'hm' },
          { type: 'text', text: 'a' },
        ],
      },
      user('!'),
    ],
    reasoning: 'high',
    tools: [
      { type: 'function', name: 'look', inputSchema },
      { type: 'provider', id: 'web.search', name: 'search', args: {} },
    ],
    responseFormat: { type: 'json' },
  });
  expect(result.warnings.map((warning) => 'feature' in warning && warning.feature)).toEqual([
    "reasoning in an assistant's message",
    "the provider's tool web.search",
    'responseFormat',
    'reasoning',
  ]);
});

it.each<[string, Call, string]>([
  [
    'a path',
    withFile({ mediaType: 'image', data: { type: 'url', url: new URL('file:///etc/passwd') } }),
    'prompt',
  ],
  [
    'a URL that nobody fetched',
    withFile({ mediaType: 'image', data: { type: 'url', url: new URL('http://127.0.0.1/') } }),
    'prompt',
  ],
  [
    'another kind of file',
    withFile({ mediaType: 'application/pdf', data: { type: 'data', data: 'eA==' } }),
    'prompt',
  ],
  [
    'a misspelt option',
    { prompt: [user('?')], providerOptions: { llavaOneVision: { minp: 1 } } },
    'providerOptions.llavaOneVision.minp',
  ],
  ['too hot', { prompt: [user('?')], temperature: 101 }, 'temperature'],
])('refuses %s', async (_, call, argument) => {
  await expect(generate(call)).rejects.toMatchObject({ code: 'ERR_INVALID_ARGUMENT', argument });
});
