// Which ids the penalties know before the first token.
import { expect, it } from 'vitest';
import { penalizePrompt } from '../../../src/chat/penalty-scope.js';

const segments = [
  { tokens: Int32Array.of(5, 6, 5) },
  { media: 0 },
  { tokens: Int32Array.of(6, 7) },
  { media: 1 },
];
const media = [{ kind: 'image' as const }, { kind: 'video' as const }];
const ids: Record<string, number> = { '<image>': 90, '<video>': 91 };

function counted(
  dialect: 'llava-next' | 'transformers',
  { known = ids, continued = new Int32Array() } = {},
): number[] {
  const accepted: number[] = [];
  const sampler = { accept: (id: number) => void accepted.push(id), dispose: async () => {} };
  const model = { specialToken: (text: string) => known[text] ?? -1 };
  penalizePrompt(sampler, { segments, media, continued }, { model, dialect });
  return accepted.sort((a, b) => a - b);
}

it('llava-next: generated tokens only', () => {
  expect(counted('llava-next')).toEqual([]);
});

it('transformers: the ids of the prompt, each once, media among them', () => {
  expect(counted('transformers')).toEqual([5, 6, 7, 90, 91]);
});

it('transformers: media without a token in the vocabulary are left out', () => {
  expect(counted('transformers', { known: { '<image>': 90 } })).toEqual([5, 6, 7, 90]);
});

it('an answer that is gone on in was generated: its ids count as often as they stand there', () => {
  const continued = Int32Array.of(6, 7, 7);
  expect(counted('llava-next', { continued })).toEqual([6, 7, 7]);
  expect(counted('transformers', { continued })).toEqual([5, 6, 7, 90, 91]);
});
