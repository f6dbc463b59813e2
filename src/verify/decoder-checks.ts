/** The decoder alone: ids of texts and prompts, and logits of the first positions. */

import type { NativeSamplerOptions } from '../binding.js';
import type { Engine } from '../chat/engine.js';
import { renderPrompt } from '../prompt/chatml.js';
import { tokenizePrompt } from '../prompt/prompt-tokens.js';
import { logitBound, precisionOf } from './bounds.js';
import type { Checked } from './checked.js';
import { type CheckResult, exact, near } from './report.js';

export function checkTokens({ table }: Checked, { model }: Engine): CheckResult[] {
  return (table.tokens ?? []).map(({ text, ids }) =>
    exact(`tokens of ${JSON.stringify(text)}`, ids, [...model.tokenize(text)]),
  );
}

export async function checkPrompts({ table }: Checked, { model }: Engine): Promise<CheckResult[]> {
  const results: CheckResult[] = [];
  for (const { dialect, question, ids } of table.prompts ?? []) {
    const content = [
      { type: 'image' as const, image: 'never opened' },
      { type: 'text' as const, text: question },
    ];
    const parts = renderPrompt([{ role: 'user', content }], dialect);
    const segments = await tokenizePrompt(parts, model);
    const got = segments.flatMap((segment) => ('tokens' in segment ? [...segment.tokens] : [-1]));
    results.push(exact(`prompt in dialect ${dialect}`, ids, got));
  }
  return results;
}

/** One position at a time, each with the log-probabilities of the whole vocabulary. */
export async function checkLogits(checked: Checked, engine: Engine): Promise<CheckResult[]> {
  const { table, types, isOnGpu, options, decoder } = checked;
  if (!table.logits) return [];
  const { tokens, ids, values } = table.logits;
  const outside = [...tokens, ...ids].find((id) => id >= decoder.nVocab);
  if (outside !== undefined)
    return [exact('vocabulary', `an id ${outside}`, `${decoder.nVocab} ids`)];
  const reference = table.precision ?? 'f32';
  const bound = logitBound({ file: precisionOf(types.model), reference, isOnGpu });
  const results: CheckResult[] = [];
  for (const [position, token] of tokens.entries()) {
    options.signal?.throwIfAborted();
    const expected = values[position]!;
    const got = await logitsAfter(token, position, { engine, ids, nVocab: decoder.nVocab });
    if (expected) {
      const difference = Math.max(...expected.map((value, i) => Math.abs(value - got[i]!)));
      results.push(near(`logits at position ${position}`, { expected, got, difference }, bound));
    }
    options.onProgress?.('logits', (position + 1) / tokens.length);
  }
  engine.context.removePositions(0, 0);
  return results;
}

async function logitsAfter(
  token: number,
  position: number,
  { engine, ids, nVocab }: { engine: Engine; ids: number[]; nVocab: number },
): Promise<number[]> {
  const { binding, model, context, turns } = engine;
  const sampler = new binding.Sampler(model, greedy(nVocab));
  try {
    const slice = { sequence: 0, position, data: Int32Array.of(token), sampler };
    const [sample] = await turns.step(() => context.step([slice]));
    const { topTokens, topLogprobs, normaliser } = sample!;
    const logits = new Map(Array.from(topTokens, (id, i) => [id, topLogprobs[i]! + normaliser]));
    return ids.map((id) => logits.get(id)!);
  } finally {
    await sampler.dispose();
  }
}

/** Lists all ids. */
function greedy(nVocab: number): NativeSamplerOptions {
  return {
    temperature: 0,
    topK: 0,
    topP: 1,
    minP: 0,
    typicalP: 1,
    seed: 0,
    repetitionPenalty: 1,
    presencePenalty: 0,
    frequencyPenalty: 0,
    biasTokens: new Int32Array(),
    biasValues: new Float32Array(),
    nTop: nVocab,
    nVocabUsed: nVocab,
  };
}
