/** What a chat says and reports, through the whole engine on the fake binding. */
import { describe, expect, it } from 'vitest';
import type { ChatChunk, ImagePart } from '../../../src/index.js';
import { FAKE_TOKENS, VISUAL_ROW } from '../../support/fake-decoder.js';
import {
  ask,
  askAbout,
  expectNothingHeld,
  fakeFiles,
  fakeModel,
} from '../../support/fake-model.js';

const HEAD = '<|im_start|>system\nYou are a helpful assistant.<|im_end|>\n<|im_start|>user\n';
const TAIL = '<|im_end|>\n<|im_start|>assistant\n';

/** Of the template, where special tokens are one each; the toy's other tokens are bytes. */
const nTokens = (text: string) => text.replace(/<\|\w+\|>/g, '.').length;

async function chunksOf(stream: AsyncIterable<ChatChunk>): Promise<ChatChunk[]> {
  const chunks: ChatChunk[] = [];
  for await (const chunk of stream) chunks.push(chunk);
  return chunks;
}

describe('text', () => {
  it('goes on in an answer that was begun', async () => {
    const { model } = await fakeModel({ reply: () => 'Hello world' });
    const begun = [...ask('Hi'), { role: 'assistant' as const, content: 'Hello' }];
    const options = { continueFinalMessage: true };
    const { text, usage } = await model.chat(begun, options).result;
    expect(text).toBe(' world');
    const { rows, prompt } = await model.render(begun, options);
    expect([rows, prompt]).toEqual([usage.promptTokens, `${HEAD}Hi${TAIL}Hello`]);
    const refused = expect.objectContaining({ argument: 'continueFinalMessage' });
    expect(() => model.chat(ask('Hi'), options)).toThrow(refused);
    expect(() =>
      model.chat(begun, { ...options, responseFormat: { type: 'json_object' } }),
    ).toThrow(refused);
    await expect(model.session().chat('Hi', options).result).rejects.toEqual(refused);
    await model.dispose();
  });

  it('reaches the model as the template says and comes back whole', async () => {
    let seen = '';
    const { model } = await fakeModel({
      reply: (prompt) => {
        seen = prompt;
        return 'Hello.';
      },
    });
    const stream = model.chat(ask('Hi <|im_end|>'));
    const chunks = await chunksOf(stream);
    expect(seen).toBe(`${HEAD}Hi <|im_end|>${TAIL}`);
    expect(chunks.map(({ text }) => text)).toEqual([...'Hello.', '']);
    expect(chunks.at(-1)!.token).toBe(FAKE_TOKENS.end);
    const result = await stream.result;
    expect(result).toMatchObject({ text: 'Hello.', finishReason: 'stop', media: [] });
    expect(result.tokens).toEqual([...Buffer.from('Hello.'), FAKE_TOKENS.end]);
    expect(result.usage).toEqual({
      promptTokens: nTokens(HEAD) + 'Hi <|im_end|>'.length + nTokens(TAIL),
      visualTokens: 0,
      cachedTokens: 0,
      completionTokens: 7,
    });
    await model.dispose();
  });

  it('puts emoji together that several tokens make', async () => {
    const { model } = await fakeModel({ reply: () => 'a🦊é' });
    const texts = (await chunksOf(model.chat(ask('?')))).map(({ text }) => text);
    expect(texts).toEqual(['a', '', '', '', '🦊', '', 'é', '']);
    await model.dispose();
  });

  it('ends an incomplete character with U+FFFD, at the last chunk', async () => {
    const { model } = await fakeModel({ reply: () => [0x61, 0xf0, 0x9f, 0xa6, 0x8a] });
    const stream = model.chat(ask('?'), { maxTokens: 3 });
    expect((await chunksOf(stream)).map(({ text }) => text)).toEqual(['a', '', '\uFFFD']);
    expect(await stream.result).toMatchObject({ text: 'a\uFFFD', finishReason: 'length' });
    await model.dispose();
  });

  it.each([
    ['a stop string across tokens', 'one\n\ntwo', ['\n\n'], 'one', 'stop'],
    ['one string instead of an array', 'one two', ' ', 'one', 'stop'],
    ['a stop string at the very end', 'one END', ['END'], 'one ', 'stop'],
    ['a beginning of one is given out at the end', 'one EN', ['END'], 'one EN', 'stop'],
  ])('%s', async (_, answer, stop, text, finishReason) => {
    const { model } = await fakeModel({ reply: () => answer });
    const stream = model.chat(ask('?'), { stop });
    const streamed = (await chunksOf(stream)).map((chunk) => chunk.text).join('');
    const result = await stream.result;
    expect({ streamed, text: result.text, finishReason: result.finishReason }).toEqual({
      ...{ streamed: text, text, finishReason },
    });
    await model.dispose();
  });

  it.each(['llava-next', 'transformers'] as const)(
    "ends at all of the file's end tokens (%s)",
    async (dialect) => {
      const { decoder } = fakeFiles();
      const { end, endOfText } = FAKE_TOKENS;
      const files = { decoder: { ...decoder, eosTokens: [end, 0x62, endOfText] } };
      for (const last of [0x62, endOfText]) {
        const { model } = await fakeModel({ reply: () => [0x61, last, 0x63] }, { dialect, files });
        expect(await model.chat(ask('?')).result).toMatchObject({
          text: 'a',
          finishReason: 'stop',
        });
        await model.dispose();
      }
    },
  );

  // Its checkpoints list <|im_end|> alone, and it generates on.
  it('does not end at <|endoftext|> under transformers unless the file lists it', async () => {
    const reply = () => [0x61, FAKE_TOKENS.endOfText, 0x62];
    const { model } = await fakeModel({ reply }, { dialect: 'transformers' });
    expect((await model.chat(ask('?')).result).text).toBe('ab');
    await model.dispose();
  });

  it('ends at any end token of the dialect', async () => {
    const { model } = await fakeModel({ reply: () => [0x61, FAKE_TOKENS.endOfText, 0x62] });
    expect(await model.chat(ask('?')).result).toMatchObject({ text: 'a', finishReason: 'stop' });
    await model.dispose();
  });

  it('maxTokens: 1 gives one token', async () => {
    const { model } = await fakeModel({ reply: () => 'abc' });
    const { text, tokens, finishReason } = await model.chat(ask('?'), { maxTokens: 1 }).result;
    expect({ text, tokens, finishReason }).toEqual({
      ...{ text: 'a', tokens: [0x61], finishReason: 'length' },
    });
    await model.dispose();
  });
});

describe('log-probabilities', () => {
  it('are on each chunk when asked for, with the spelling of special tokens', async () => {
    const { model } = await fakeModel({ reply: () => 'é' });
    const chunks = await chunksOf(model.chat(ask('?'), { topLogprobs: 2 }));
    expect(chunks).toHaveLength(3);
    expect(chunks[0]).toEqual({
      ...{ text: '', token: 0xc3, logprob: -0.5, tokenText: '\uFFFD' },
      top: [
        { token: 0xc3, text: '\uFFFD', logprob: -0.5 },
        { token: 1, text: '\u0001', logprob: -1.5 },
      ],
    });
    expect(chunks[2]!.top![0]).toMatchObject({ token: FAKE_TOKENS.end, text: '<|im_end|>' });
    await model.dispose();
  });

  it('0 gives those of the chosen token alone; nothing gives none', async () => {
    const { model } = await fakeModel();
    const [first] = await chunksOf(model.chat(ask('?'), { topLogprobs: 0 }));
    expect(first).toEqual({ text: 'o', token: 0x6f, logprob: -0.5, tokenText: 'o', top: [] });
    const [plain] = await chunksOf(model.chat(ask('?')));
    expect(plain).toEqual({ text: 'o', token: 0x6f });
    await model.dispose();
  });
});

describe('pictures', () => {
  it('are rows in the prompt, counted and reported', async () => {
    let seen = '';
    const { model, binding } = await fakeModel({
      reply: (prompt) => {
        seen = prompt;
        return 'A square.';
      },
    });
    const result = await model.chat(askAbout('What?')).result;
    expect(seen).toBe(`${HEAD}${VISUAL_ROW.repeat(24)}\nWhat?${TAIL}`);
    expect(result.media).toEqual([
      {
        ...{ kind: 'image', rows: 24, grid: { cols: 2, rows: 2 }, cached: false },
        geometry: expect.any(Object),
      },
    ]);
    expect(result.usage.visualTokens).toBe(24);
    expect(binding.nEncoded).toBe(5);
    await model.dispose();
  });

  it('several in one conversation are one padded tile each', async () => {
    const { model, binding } = await fakeModel();
    const [message] = askAbout('Which?');
    const [image, text] = message!.content as [ImagePart, never];
    const data = new Uint8Array(16 * 16 * 3).fill(1);
    const other: ImagePart = { type: 'image', image: { width: 16, height: 16, data } };
    const { media } = await model.chat([{ role: 'user', content: [image, other, text] }]).result;
    expect(media.map(({ rows, grid }) => ({ rows, grid }))).toEqual([
      { rows: 5, grid: null },
      { rows: 5, grid: null },
    ]);
    expect(binding.nEncoded).toBe(2);
    await model.dispose();
  });

  it('report progress per tile and per step of the prompt', async () => {
    const { model } = await fakeModel();
    const seen: string[] = [];
    const onProgress = ({ stage, done, total }: { stage: string; done: number; total: number }) =>
      seen.push(`${stage} ${done}/${total}`);
    const { usage } = await model.chat(askAbout('What?'), { onProgress }).result;
    expect(seen.slice(0, 5)).toEqual([1, 2, 3, 4, 5].map((n) => `encode ${n}/5`));
    expect(seen.at(-1)).toBe(`prefill ${usage.promptTokens}/${usage.promptTokens}`);
    expect(seen).toHaveLength(5 + 3);
    await model.dispose();
  });

  it('a prompt that does not fit is refused before anything is decoded or encoded', async () => {
    const { model, binding } = await fakeModel({}, { contextSize: 80 });
    await expect(model.chat(askAbout('What?')).result).rejects.toMatchObject({
      ...{ code: 'ERR_CONTEXT_FULL', nCtx: 80 },
    });
    expect(binding.nEncoded).toBe(0);
    await model.dispose();
  });
});

it('reports times that add up and the seed that was used', async () => {
  const { model, binding } = await fakeModel();
  const { timings, seed } = await model.chat(askAbout('What?')).result;
  const { totalMs, ...stages } = timings;
  const sum = Object.values(stages).reduce((a, b) => a + b, 0);
  for (const ms of Object.values(stages)) expect(ms).toBeGreaterThanOrEqual(0);
  expect(stages.encodeMs).toBeGreaterThan(0);
  expect(stages.prefillMs).toBeGreaterThan(0);
  expect(sum).toBeLessThanOrEqual(totalMs + 0.01);
  expect(seed).toBe(binding.samplerOptions[0]!.seed);
  await model.dispose();
});

it('hands the sampling options and the file defaults to the sampler', async () => {
  const { model, binding } = await fakeModel();
  await model.chat(ask('?'), { temperature: 0.3, seed: 9 }).result;
  expect(binding.samplerOptions[0]).toMatchObject({
    ...{ temperature: 0.3, seed: 9, topK: 20, topP: 0.8, repetitionPenalty: 1.1 },
    nVocabUsed: FAKE_TOKENS.nVocabUsed,
  });
  await model.dispose();
});

it('leaves nothing behind', async () => {
  const { model, binding } = await fakeModel();
  for (let i = 0; i < 20; i++) await model.chat(askAbout(`${i}`)).result;
  await expectNothingHeld({ model, binding });
  expect(binding.alive).toEqual(['pool', 'model', 'context', 'encoder']);
  await model.dispose();
  expect(binding.alive).toEqual([]);
});

it('a stream that nobody reads or awaits does no work', async () => {
  const { model, binding } = await fakeModel();
  model.chat(askAbout('What?'));
  await new Promise((resolve) => setTimeout(resolve, 10));
  expect([binding.nEncoded, binding.steps.length]).toEqual([0, 0]);
  await model.dispose();
});
