/**
 * Random conversations that branch, at one time and one after another, with aborts, in contexts that are too small for
 * them: every answer is that of a model without caches, no step runs out of cells, nothing stays held.
 */
import { createHash } from 'node:crypto';
import { expect, it } from 'vitest';
import type { Message } from '../../../src/index.js';
import { expectNothingHeld, fakeModel } from '../../support/fake-model.js';
import { randomUniform } from '../../support/random.js';

/** Letters that any change of the prompt changes: mostly a few, some answers much longer than what is set aside. */
function reply(prompt: string): string {
  const hash = createHash('sha256').update(prompt).digest();
  const length = hash[0]! < 40 ? hash[1]! * 5 : hash[1]! % 60;
  return hash.toString('hex').repeat(20).slice(0, length);
}

const image = (width: number, height: number) => ({
  type: 'image' as const,
  image: { width, height, data: new Uint8Array(width * height * 3).fill(width) },
});
const PICTURES = [image(16, 16), image(8, 8), image(16, 10)];

/** Memory beside the context: none, for a few beginnings, for all. */
const PARKED = [0, 50_000, 1e9];
let nLoads = 0;

it.each([1, 2, 3, 4, 5, 6])('many chats (%i)', { timeout: 60_000 }, async (seed) => {
  const random = randomUniform(seed);
  const upTo = (n: number) => Math.floor(random() * (n + 1));
  const limits = { contextSize: 300 + upTo(500), maxSequences: 2 + upTo(3) };
  const copies = { save: 0, load: 0 };
  const onCopy = (what: 'save' | 'load') => void copies[what]++;
  const prefixCacheBytes = PARKED[seed % PARKED.length]!;
  const fake = await fakeModel({ reply, onCopy }, { ...limits, prefixCacheBytes, batchSize: 32 });
  const plain = await fakeModel({ reply }, { prefixCache: false, visualCacheBytes: 0 });
  /** Conversations that can go on. */
  const branches: Message[][] = [[]];

  const turn = (): Message => {
    const text = { type: 'text' as const, text: 'ab'[upTo(1)]!.repeat(1 + upTo(120)) };
    const picture = random() < 0.3 ? [PICTURES[upTo(2)]!] : [];
    return { role: 'user', content: [...picture, text] };
  };

  const chat = async () => {
    const messages = [...branches[upTo(branches.length - 1)]!, turn()];
    const maxTokens = random() < 0.8 ? 1 + upTo(80) : undefined;
    const isAborted = random() < 0.3;
    const controller = new AbortController();
    const options = { signal: controller.signal, ...(maxTokens ? { maxTokens } : {}) };
    if (isAborted) setTimeout(() => controller.abort('mine'), upTo(15));
    try {
      const result = await fake.model.chat(messages, options).result;
      const expected = await plain.model.chat(messages, { ...options, signal: undefined! }).result;
      const { promptTokens, completionTokens } = result.usage;
      if (result.finishReason === 'stop' || completionTokens === maxTokens)
        expect(result.text).toBe(expected.text);
      else {
        // The context came to its end, for this chat alone if it was promised its answer.
        expect(expected.text.startsWith(result.text)).toBe(true);
        if (maxTokens) expect(promptTokens + completionTokens).toBe(limits.contextSize + 1);
      }
      expect(result.usage.cachedTokens).toBeLessThan(result.usage.promptTokens);
      branches.push([...messages, { role: 'assistant', content: result.text }]);
      if (branches.length > 12) branches.splice(upTo(branches.length - 1), 1, []);
    } catch (error) {
      if (isAborted && error === 'mine') return;
      // A prompt that could not even stand alone.
      expect(error).toMatchObject({ code: 'ERR_CONTEXT_FULL', nPast: 0 });
      expect((error as { nNeeded: number }).nNeeded).toBeGreaterThan(limits.contextSize);
    }
    expect(fake.binding.cells()).toBeLessThanOrEqual(limits.contextSize);
  };

  const worker = async () => {
    for (let i = 0; i < 20; i++) await chat();
  };
  await Promise.all(Array.from({ length: 5 }, worker));
  await expectNothingHeld(fake);
  if (prefixCacheBytes === 0) expect(copies).toEqual({ save: 0, load: 0 });
  nLoads += copies.load;
  await fake.model.dispose();
  await plain.model.dispose();
});

it('some of their beginnings came back by a copy', () => {
  expect(nLoads).toBeGreaterThan(0);
});
