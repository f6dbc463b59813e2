/** The doors of the public class: what chat, render and embed check and give. */
import { describe, expect, it } from 'vitest';
import { type Message, type VerifyOptions, verify } from '../../../src/index.js';
import { ask, askAbout, fakeModel } from '../../support/fake-model.js';

const invalid = (argument: string) =>
  expect.objectContaining({ name: 'LlavaError', code: 'ERR_INVALID_ARGUMENT', argument });

describe('chat checks at the call', () => {
  const wrong: [string, unknown[]][] = [
    ['maxTokens', [0, -1, 1.5, Number.NaN, '5', null, 2 ** 31]],
    ['stop', ['', [''], 5, null, ['a', 1]]],
    ['signal', [{}, 'x', null]],
    ['onProgress', [{}, 'x']],
    ['temperature', [Number.NaN, -1, '1']],
    ['options.maxToken', [5]],
  ];

  it.each(wrong)('%s', async (name, values) => {
    const { model, binding } = await fakeModel();
    for (const value of values) {
      const options = { [name.replace('options.', '')]: value };
      expect(() => model.chat(ask('?'), options)).toThrow(invalid(name));
    }
    expect(binding.steps).toEqual([]);
    await model.dispose();
  });

  it.each([
    [undefined, 'messages'],
    ['hello', 'messages'],
    [[], 'messages'],
    [[{ role: 'robot', content: '' }], 'messages[0].role'],
    [[{ role: 'user', content: [{ type: 'sound' }] }], 'messages[0].content[0].type'],
  ])('messages %j', async (messages, argument) => {
    const { model } = await fakeModel();
    expect(() => model.chat(messages as never)).toThrow(invalid(argument));
    await expect(model.render(messages as never)).rejects.toEqual(invalid(argument));
    await expect(model.embed(messages as never)).rejects.toEqual(invalid(argument));
    await model.dispose();
  });

  it.each([[null], ['x'], [5], [[]]])('options %j', async (options) => {
    const { model } = await fakeModel();
    expect(() => model.chat(ask('?'), options as never)).toThrow(invalid('options'));
    await model.dispose();
  });

  it('and does not see what happens to the messages afterwards', async () => {
    const { model } = await fakeModel({ reply: (prompt) => prompt });
    const messages: Message[] = ask('before');
    const stream = model.chat(messages);
    messages[0]!.content = 'after';
    expect((await stream.result).text).toContain('before');
    await model.dispose();
  });
});

describe('a model without mmproj', () => {
  it('takes text', async () => {
    const { model } = await fakeModel({}, { isTextOnly: true });
    expect((await model.chat(ask('?')).result).text).toBe('ok');
    expect(await model.embed(ask('?'))).toEqual([]);
    expect(model.info.visionBackend).toBeNull();
    await model.dispose();
  });

  it('refuses pictures and says why', async () => {
    const { model } = await fakeModel({}, { isTextOnly: true });
    expect(() => model.chat(askAbout('?'))).toThrow(/mmproj/);
    await expect(model.render(askAbout('?'))).rejects.toEqual(invalid('messages'));
    await model.dispose();
  });
});

describe('render', () => {
  it('shows prompt, ids and where the rows lie, and computes nothing', async () => {
    const { model, binding } = await fakeModel();
    const { prompt, tokens, rows, media } = await model.render(askAbout('Hi'));
    const before = '<|im_start|>system\nYou are a helpful assistant.<|im_end|>\n<|im_start|>user\n';
    expect(prompt).toBe(`${before}<image>\nHi<|im_end|>\n<|im_start|>assistant\n`);
    const start = tokens.indexOf(-1);
    expect(media).toEqual([
      {
        ...{ kind: 'image', start, rows: 24, grid: { cols: 2, rows: 2 } },
        geometry: expect.any(Object),
      },
    ]);
    expect(start).toBe(before.replace(/<\|\w+\|>/g, '.').length);
    expect(tokens.filter((id) => id === -1)).toHaveLength(24);
    expect(tokens.lastIndexOf(-1)).toBe(start + 23);
    expect(tokens).toHaveLength(rows);
    expect([binding.nEncoded, binding.steps.length]).toEqual([0, 0]);
    expect((await model.chat(askAbout('Hi')).result).usage.promptTokens).toBe(rows);
    await model.dispose();
  });
});

describe('embed', () => {
  it('gives the rows of each picture', async () => {
    const { model } = await fakeModel();
    const [media, ...others] = await model.embed(askAbout('?'));
    expect(others).toEqual([]);
    const { data, ...facts } = media!;
    expect(facts).toEqual({
      ...{ kind: 'image', rows: 24, width: 4, grid: { cols: 2, rows: 2 } },
      geometry: expect.any(Object),
    });
    expect(data).toHaveLength(24 * 4);
    await model.dispose();
  });

  it('takes turns with answers under way', async () => {
    const { model } = await fakeModel({ reply: () => 'x'.repeat(200) });
    const [result, media] = await Promise.all([
      model.chat(ask('?')).result,
      model.embed(askAbout('?')),
    ]);
    expect(result.text).toHaveLength(200);
    expect(media).toHaveLength(1);
    await model.dispose();
  });
});

it('info tells what was decided', async () => {
  const { model } = await fakeModel({}, { maxSequences: 3 });
  expect(model.info).toMatchObject({
    ...{ dialect: 'llava-next', contextSize: 4096, trainedContextSize: 4096, maxSequences: 3 },
    ...{ layers: 2, embeddingSize: 4, vocabularySize: 259, gpuLayers: 0, threads: 3 },
    visionBackend: 'fake',
    memory: { weights: 1000 },
  });
  await model.dispose();
});

describe('verify', () => {
  it.each([
    [{}, 'model'],
    [{ model: 5 }, 'model'],
    [{ model: 'm.gguf', mmproj: '' }, 'mmproj'],
    [{ model: 'm.gguf', image: {} }, 'image'],
  ])('checks %j', async (options, argument) => {
    await expect(verify(options as VerifyOptions)).rejects.toEqual(invalid(argument));
  });

  it('names a file that is not there', async () => {
    await expect(verify({ model: 'absent.gguf' })).rejects.toMatchObject({
      ...{ code: 'ERR_MODEL_LOAD', path: 'absent.gguf' },
    });
  });
});
