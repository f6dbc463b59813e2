/**
 * Answers being written. Each has signals of its own, so that news of it draws that answer alone; the turn is kept every few
 * seconds and at the end. Several conversations may be answered at a time, one answer in each.
 */
import { type Signal, signal } from '@preact/signals';
import { type ChatNews, NeedsKey, Refused, Unreachable } from '../wire/client.js';
import { toRequest } from '../wire/to-request.js';
import { words } from '../words/words.js';
import { askForKey, lostServer, models } from './link.js';
import { blobOf } from './media.js';
import { reason, say } from './notices.js';
import { change, conversations, parts } from './state.js';
import { branch } from './tree.js';
import type { Conversation, Id, Turn } from './types.js';
import { holdWriting } from './writing-lock.js';

export type Progress = Exclude<ChatNews, { kind: 'text' | 'end' }>;

export interface Live {
  turn: Turn;
  text: Signal<string>;
  /** Undefined once it writes. */
  progress: Signal<Progress | undefined>;
  abort: AbortController;
}

/** By the turn that is written. */
export const lives = signal<ReadonlyMap<Id, Live>>(new Map());

export const liveIn = (conversation: Id): Live | undefined =>
  [...lives.value.values()].find(({ turn }) => turn.conversation === conversation);

const KEEP_EVERY_MS = 3000;

/** Writes `turn`, or goes on in it where it has text. @param all the conversation's turns, `turn` among them */
export async function answer(turn: Turn, all: readonly Turn[]): Promise<void> {
  const conversation = conversations.value.find(({ id }) => id === turn.conversation);
  if (!conversation || liveIn(conversation.id)) return;
  const live = begin(turn);
  const free = holdWriting(turn.id);
  let end: Partial<Turn>;
  try {
    end = await written(live, conversation, all);
  } catch (error) {
    end = ended(error, live);
  }
  try {
    const keeping = change(turn.conversation, {}, { ...turn, text: live.text.value, ...end });
    lives.value = new Map([...lives.value].filter(([id]) => id !== turn.id));
    await keeping;
  } finally {
    free();
  }
}

/** What is written when the page closes is not lost. */
export function keepAtEnd(): void {
  addEventListener('pagehide', () => {
    for (const { turn, text } of lives.value.values())
      void change(turn.conversation, {}, { ...turn, text: text.value });
  });
}

function begin(turn: Turn): Live {
  const live: Live = {
    turn,
    text: signal(turn.text),
    progress: signal({ kind: 'stage', stage: 'send' }),
    abort: new AbortController(),
  };
  lives.value = new Map(lives.value).set(turn.id, live);
  return live;
}

async function written(
  live: Live,
  conversation: Conversation,
  all: readonly Turn[],
): Promise<Partial<Turn>> {
  const { turn } = live;
  // A server of several answers only who names one.
  const isOneOfMany = models.value.length > 1;
  const named = isOneOfMany ? { model: answerer(conversation) ?? '' } : {};
  const settings = { ...conversation.settings, ...named };
  const asked = branch(all, turn.text === '' ? turn.parent : turn.id);
  const body = await toRequest(asked, settings, blobOf);
  live.abort.signal.throwIfAborted();
  let keptAt = performance.now();
  let end: Partial<Turn> = { state: 'failed', error: words().brokeOff };
  for await (const news of parts.client.chat(body, live.abort.signal)) {
    if (news.kind === 'end')
      end = { state: news.reason === 'length' ? 'length' : 'done', seen: news.seen };
    if (news.kind === 'queued' || news.kind === 'stage') live.progress.value = news;
    if (news.kind === 'queued') say(words().queued(news.place));
    if (news.kind !== 'text') continue;
    live.progress.value = undefined;
    live.text.value += news.text;
    if (performance.now() - keptAt < KEEP_EVERY_MS) continue;
    keptAt = performance.now();
    void change(turn.conversation, {}, { ...turn, text: live.text.value });
  }
  return end;
}

/** What became of an answer that did not come to its end. */
function ended(error: unknown, { abort, text, turn }: Live): Partial<Turn> {
  if (abort.signal.aborted) return { state: 'stopped' };
  if (error instanceof NeedsKey) {
    askForKey();
    return { state: 'failed', error: words().needsKeyNote };
  }
  if (error instanceof Unreachable) {
    lostServer();
    const hasBegun = text.value !== turn.text;
    return { state: 'failed', error: hasBegun ? words().brokeOff : words().unreachable };
  }
  if (error instanceof Refused && error.retryAfter !== undefined)
    return { state: 'failed', error: words().busy(error.retryAfter) };
  return { state: 'failed', error: reason(error) };
}

/** The name of who will answer, for the turn. */
export const answerer = ({ settings }: Conversation): string | undefined =>
  settings.model || models.value[0]?.id;
