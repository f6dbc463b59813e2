// Chat completions as OpenAI's clients ask for them: what the answers hold, and what of a request reaches the model.
import { describe, expect, it } from 'vitest';
import { question } from '../support/fake-model.js';
import { eventsOf, pictured, pngUrl, post, serving } from '../support/serving.js';

describe('an answer', () => {
  it('is one object', async () => {
    const { app } = await serving();
    const { status, json, headers } = await post(app, {});
    expect(status).toBe(200);
    expect(headers['x-request-id']).toMatch(/^req_/);
    expect(json).toMatchObject({
      id: expect.stringMatching(/^chatcmpl-/),
      object: 'chat.completion',
      created: expect.any(Number),
      model: 'toy',
      choices: [
        {
          index: 0,
          message: { role: 'assistant', content: 'yes', refusal: null },
          logprobs: null,
          finish_reason: 'stop',
        },
      ],
      usage: { completion_tokens: 4, prompt_tokens_details: { cached_tokens: 0, image_tokens: 0 } },
      llava_onevision: { media: [], timings: { total_ms: expect.any(Number) } },
    });
    const { usage } = json;
    expect(usage.total_tokens).toBe(usage.prompt_tokens + 4);
    expect(usage.prompt_tokens_details.text_tokens).toBe(usage.prompt_tokens);
  });

  it('tells what became of pictures', async () => {
    const { app } = await serving();
    const { json } = await post(app, { messages: pictured(await pngUrl()) });
    expect(json.usage.prompt_tokens_details.image_tokens).toBe(24);
    const media = [{ kind: 'image', rows: 24, grid: { cols: 2, rows: 2 }, cached: false }];
    expect(json.llava_onevision.media).toEqual(media);
  });

  it('counts what was cached', async () => {
    const { app } = await serving();
    const messages = pictured(await pngUrl());
    const first = await post(app, { messages });
    const second = await post(app, { messages });
    expect(first.json.usage.prompt_tokens_details.cached_tokens).toBe(0);
    expect(second.json.usage.prompt_tokens_details.cached_tokens).toBe(
      second.json.usage.prompt_tokens - 1,
    );
    expect(second.json.llava_onevision.media[0].cached).toBe(true);
  });

  it('counts guessed tokens, of a model that guesses', async () => {
    const { app } = await serving({ fake: { reply: () => 'abc'.repeat(9) }, load: { lookup: 4 } });
    const { json } = await post(app, { n: 2 });
    const { accepted_prediction_tokens: accepted, rejected_prediction_tokens: rejected } =
      json.usage.completion_tokens_details;
    expect(accepted).toBeGreaterThan(20);
    expect(accepted).toBeLessThan(json.usage.completion_tokens);
    expect(rejected).toBeGreaterThanOrEqual(0);
    const plain = await serving();
    expect((await post(plain.app, {})).json.usage).not.toHaveProperty('completion_tokens_details');
  });

  it('ends at stop strings, limits', async () => {
    const { app } = await serving({ fake: { reply: () => 'one two three' } });
    const stopped = await post(app, { stop: ' two' });
    expect(stopped.json.choices[0]).toMatchObject({
      message: { content: 'one' },
      finish_reason: 'stop',
    });
    const short = await post(app, { max_tokens: 1, max_completion_tokens: 5 });
    expect(short.json.choices[0]).toMatchObject({
      message: { content: 'one t' },
      finish_reason: 'length',
    });
  });

  it('comes n times', async () => {
    const { app, binding } = await serving();
    const { json } = await post(app, { n: 3, seed: 7 });
    expect(json.choices.map(({ index }: { index: number }) => index)).toEqual([0, 1, 2]);
    expect(json.usage.completion_tokens).toBe(12);
    expect(binding.samplerOptions.map(({ seed }) => seed).sort()).toEqual([7, 8, 9]);
  });

  it('has the temperature that the server was given where the request has none', async () => {
    const { app, binding } = await serving({ server: { defaultTemperature: 0.7 } });
    for (const body of [{}, { temperature: 0.2 }, { temperature: 0 }]) await post(app, body);
    const greedy = await serving();
    await post(greedy.app, {});
    const drawn = binding.samplerOptions.map(({ temperature }) => temperature);
    expect([...drawn, greedy.binding.samplerOptions[0]!.temperature]).toEqual([0.7, 0.2, 0, 0]);
  });

  it('carries log-probabilities', async () => {
    const { app } = await serving();
    const { json } = await post(app, { logprobs: true, top_logprobs: 2 });
    const { content } = json.choices[0].logprobs;
    // Not the token that ended the answer, as OpenAI's lists.
    expect(content.map(({ token }: { token: string }) => token)).toEqual(['y', 'e', 's']);
    expect(content[0]).toMatchObject({ token: 'y', bytes: [121], logprob: expect.any(Number) });
    expect(content[0].top_logprobs).toHaveLength(2);
    const { text } = await post(app, { logprobs: true, stream: true });
    const streamed = eventsOf(text).flatMap(({ choices }) => choices[0].logprobs?.content ?? []);
    expect(streamed.map(({ token }) => token)).toEqual(['y', 'e', 's']);
  });
});

describe('a stream', () => {
  it('is chunks: the role, the text, the end, the usage', async () => {
    const { app } = await serving();
    const { text, headers } = await post(app, {
      stream: true,
      stream_options: { include_usage: true },
    });
    expect(headers['content-type']).toMatch('text/event-stream');
    expect(headers['x-request-id']).toMatch(/^req_/);
    expect(text.endsWith('data: [DONE]\n\n')).toBe(true);
    const events = eventsOf(text);
    expect(new Set(events.map(({ id }) => id)).size).toBe(1);
    const deltas = events.map(({ choices }) => choices[0]?.delta);
    expect(deltas[0]).toEqual({ role: 'assistant', content: '', refusal: null });
    expect(deltas.slice(1, -2)).toEqual([{ content: 'y' }, { content: 'e' }, { content: 's' }]);
    expect(events.slice(0, -2).every(({ choices }) => choices[0].finish_reason === null)).toBe(
      true,
    );
    expect(events.at(-2).choices[0]).toMatchObject({ delta: {}, finish_reason: 'stop' });
    expect(events.at(-1)).toMatchObject({ choices: [], usage: { completion_tokens: 4 } });
    expect(events.at(-1).llava_onevision.timings).toBeDefined();
  });

  it('has a choice in every chunk unless usage is wanted', async () => {
    const { app } = await serving();
    const events = eventsOf((await post(app, { stream: true, n: 2 })).text);
    expect(events.every(({ choices }) => choices.length === 1)).toBe(true);
    expect(events.at(-1).llava_onevision.media).toEqual([]);
    const texts = [0, 1].map((index) =>
      events.map(({ choices: [c] }) => (c.index === index ? (c.delta.content ?? '') : '')).join(''),
    );
    expect(texts).toEqual(['yes', 'yes']);
  });

  it('ends with an error event where a chat fails on the way', async () => {
    let nSteps = 0;
    const onStep = () => {
      if (++nSteps === 3) throw new Error('broken at /secret/path');
    };
    const { app } = await serving({ fake: { onStep } });
    const { status, text } = await post(app, { stream: true });
    expect(status).toBe(200);
    expect(eventsOf(text).at(-1)).toMatchObject({ error: { type: 'server_error' } });
    expect(text).not.toMatch(/secret|DONE/);
  });
});

describe('tools', () => {
  const call = '<tool_call>\n{"name": "look", "arguments": {"at": 1}}\n</tool_call>';
  const tools = [
    {
      type: 'function',
      function: {
        name: 'look',
        parameters: { type: 'object', properties: { at: { type: 'integer' } } },
      },
    },
  ];

  it('are called', async () => {
    const { app } = await serving({ fake: { reply: () => call } });
    const { json } = await post(app, { tools });
    expect(json.choices[0]).toMatchObject({
      finish_reason: 'tool_calls',
      message: {
        content: null,
        tool_calls: [{ type: 'function', function: { name: 'look', arguments: '{"at":1}' } }],
      },
    });
  });

  it('are called in pieces, their names once', async () => {
    const { app } = await serving({ fake: { reply: () => call } });
    const events = eventsOf((await post(app, { tools, stream: true })).text);
    const pieces = events.flatMap(({ choices }) => choices[0].delta.tool_calls ?? []);
    expect(pieces[0]).toMatchObject({
      index: 0,
      type: 'function',
      function: { name: 'look', arguments: '' },
    });
    expect(pieces.slice(1).every((piece) => !('id' in piece) && !('type' in piece))).toBe(true);
    expect(pieces.map((piece) => piece.function.arguments).join('')).toBe('{"at": 1}');
    expect(events.at(-1).choices[0].finish_reason).toBe('tool_calls');
  });

  it('answer in a second turn', async () => {
    const prompts: string[] = [];
    const reply = (prompt: string) => {
      prompts.push(prompt);
      return 'a bird';
    };
    const { app } = await serving({ fake: { reply } });
    const called = {
      id: 'c1',
      type: 'function',
      function: { name: 'look', arguments: '{"at": 1}' },
    };
    const { json } = await post(app, {
      tools,
      messages: [
        { role: 'developer', content: 'Be brief.' },
        { role: 'user', content: 'Look.' },
        { role: 'assistant', content: null, refusal: null, tool_calls: [called] },
        { role: 'tool', tool_call_id: 'c1', content: [{ type: 'text', text: 'a bird' }] },
      ],
    });
    expect(json.choices[0].message.content).toBe('a bird');
    expect(prompts[0]).toContain('<tool_response>\na bird\n</tool_response>');
    expect(prompts[0]).toContain('<|im_start|>system\nBe brief.');
  });
});

describe('parts of messages', () => {
  it.each([
    ['image_url', (url: string) => ({ type: 'image_url', image_url: { url } })],
    ['image_url as a text', (url: string) => ({ type: 'image_url', image_url: url })],
    ['input_image', (url: string) => ({ type: 'input_image', image_url: url })],
    ['file', (url: string) => ({ type: 'file', file: { file_data: url, filename: 'a.png' } })],
  ])('%s', async (_, part) => {
    const { app } = await serving();
    const messages = [
      { role: 'user', content: [part(await pngUrl()), { type: 'text', text: 'What?' }] },
    ];
    const { json } = await post(app, { messages });
    expect(json.usage.prompt_tokens_details.image_tokens).toBe(24);
  });

  it('detail: low is one tile, high is the grid however many there are', async () => {
    const { app } = await serving();
    const url = await pngUrl();
    const rows = async (...details: (string | undefined)[]) => {
      const content = details.map((detail) => ({ type: 'image_url', image_url: { url, detail } }));
      const { json } = await post(app, { messages: [{ role: 'user', content }] });
      return json.llava_onevision.media.map((media: { rows: number }) => media.rows);
    };
    expect(await rows('low')).toEqual([5]);
    expect(await rows('auto')).toEqual([24]);
    expect(await rows(undefined, 'high', 'low')).toEqual([5, 24, 5]);
  });

  it('several system messages are one', async () => {
    const { app } = await serving({ fake: { reply: (prompt) => prompt.split('<|im_end|>')[0]! } });
    const messages = [
      { role: 'system', content: 'One.' },
      { role: 'developer', content: 'Two.' },
      { role: 'user', content: 'Hello' },
    ];
    const { json } = await post(app, { messages });
    expect(json.choices[0].message.content).toBe('<|im_start|>system\nOne.\n\nTwo.');
  });
});

it('hands the sampling on', async () => {
  const { app, binding } = await serving();
  const { status } = await post(app, {
    temperature: 0.5,
    top_p: 0.9,
    top_k: 40,
    min_p: 0.1,
    frequency_penalty: 1,
    presence_penalty: -1,
    repetition_penalty: 1.2,
    seed: -1,
    logit_bias: { 65: -100 },
  });
  expect(status).toBe(200);
  expect(binding.samplerOptions[0]).toMatchObject({
    ...{ temperature: 0.5, topP: 0.9, topK: 40, minP: 0.1, frequencyPenalty: 1 },
    ...{ presencePenalty: -1, repetitionPenalty: 1.2, seed: 2 ** 32 - 1 },
    ...{ biasTokens: Int32Array.of(65), biasValues: Float32Array.of(-100) },
  });
});

it('ignores what it does not know, and null', async () => {
  const { app } = await serving({ fake: { reply: question } });
  const { json } = await post(app, {
    ...{ store: true, metadata: { a: 'b' }, user: 'me', service_tier: 'auto', verbosity: 'low' },
    ...{ prompt_cache_key: 'k', reasoning_effort: 'low', mm_processor_kwargs: {}, unheard_of: [1] },
    ...{ temperature: null, stop: null, tools: null, response_format: null, logit_bias: null },
  });
  expect(json.choices[0].message.content).toBe('Hello');
});
