import type { NativeModel, NativeSampler } from '../binding.js';
import { type Dialect, dialectRules } from '../dialect.js';
import type { Conversation } from './conversation.js';

/**
 * Lets the penalties count the prompt's ids where the dialect does. Each id counts once, however often it occurs: the
 * repetition penalty, the only one that transformers has, knows no more. Where the prompt does not count, an answer that is
 * gone on in does: it was generated.
 */
export function penalizePrompt(
  sampler: NativeSampler,
  {
    segments,
    media,
    continued,
  }: Pick<Conversation, 'segments' | 'continued'> & {
    media: Pick<Conversation['media'][number], 'kind'>[];
  },
  { model, dialect }: { model: Pick<NativeModel, 'specialToken'>; dialect: Dialect },
): void {
  const { penalizedMedia } = dialectRules(dialect);
  if (!penalizedMedia) {
    for (const id of continued) sampler.accept(id);
    return;
  }
  const ids = new Set(
    segments.flatMap((segment) => ('tokens' in segment ? [...segment.tokens] : [])),
  );
  for (const { kind } of media) ids.add(model.specialToken(penalizedMedia[kind]));
  for (const id of ids) if (id >= 0) sampler.accept(id);
}
