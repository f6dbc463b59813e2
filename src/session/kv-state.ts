/** The cached positions of a conversation as bytes, for a file, and back into the cache of the same model. */

import { withConversation } from '../chat/conversation.js';
import type { Engine } from '../chat/engine.js';
import { PromptKey } from '../engine/prompt-key.js';
import { LlavaError } from '../errors.js';
import type { Message } from '../prompt/messages.js';
import type { MultiImage } from '../vision/image-plan.js';

export interface KvState {
  /** What stands at its positions. */
  key: PromptKey;
  /** In llama.cpp's format. */
  bytes: Uint8Array;
}

/** What is in the cache of a conversation; null when nothing is. @throws what opening it does, signal.reason */
export async function saveKvState(
  messages: readonly Message[],
  engine: Engine,
  options: { signal: AbortSignal; multiImage: MultiImage | undefined },
): Promise<KvState | null> {
  const { scheduler } = engine;
  const { signal } = options;
  const work = async ({ key, rows }: { key: PromptKey; rows: number }) => {
    const sequence = await scheduler.open({ key, rows, maxTokens: 1, signal });
    try {
      const { id, nPast } = sequence;
      if (nPast === 0) return null;
      const bytes = await scheduler.use((context) => context.saveSequence(id));
      return { key: key.replaced(nPast, []), bytes };
    } finally {
      scheduler.close(sequence);
    }
  };
  try {
    return await withConversation(messages, engine, {
      ...options,
      work: ({ segments, media, rows }) => work({ key: PromptKey.of(segments, media), rows }),
    });
  } catch (error) {
    if (hasCode(error, 'ERR_CONTEXT_FULL')) return null;
    throw error;
  }
}

/** Whether a state is of what this model would compute of the conversation: another dialect or vision file, or other options
 *  for its pictures, leave nothing of it to go on with. @throws signal.reason */
export async function isOfConversation(
  { key }: KvState,
  messages: readonly Message[],
  {
    engine,
    ...options
  }: { engine: Engine; signal: AbortSignal; multiImage: MultiImage | undefined },
): Promise<boolean> {
  try {
    return await withConversation(messages, engine, {
      ...options,
      work: ({ segments, media }) => PromptKey.of(segments, media).common(key) === key.length,
    });
  } catch (error) {
    options.signal.throwIfAborted();
    // A clip that is gone, a picture that is too large now: the next chat says so.
    if (error instanceof LlavaError) return false;
    throw error;
  }
}

/** Puts a state into the cache, for chats that begin with it. False when it is not one of this context, or too long.
 *  @throws signal.reason */
export async function restoreKvState(
  { key, bytes }: KvState,
  { scheduler }: Engine,
  signal: AbortSignal,
): Promise<boolean> {
  const rows = key.length;
  try {
    const place = { key: PromptKey.EMPTY, rows, maxTokens: 1, signal };
    const sequence = await scheduler.open(place);
    try {
      await scheduler.use((context) => context.loadSequence(sequence.id, bytes, rows));
      sequence.key = key;
      sequence.nPast = rows;
    } finally {
      scheduler.close(sequence);
    }
    return true;
  } catch (error) {
    if (hasCode(error, 'ERR_CONTEXT_FULL', 'ERR_INVALID_ARGUMENT')) return false;
    throw error;
  }
}

function hasCode(error: unknown, ...codes: string[]): boolean {
  return error instanceof LlavaError && codes.includes(error.code);
}
