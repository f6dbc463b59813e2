/** Asks a prepared request's chats, each in a slot, and gives what comes as it comes: chunks of all answers, then their results;
 *  before them, where it is wanted, how the first of them gets on. */
import { setMaxListeners } from 'node:events';
import type { ChatProgress } from '../chat/chat-options.js';
import type { ChatChunk, ChatResult } from '../chat/chat-stream.js';
import type { PreparedChat } from './prepare.js';
import type { Work } from './work.js';

/** A token, or the end, of one of the answers; or news of what comes before. */
export type ChatEvent =
  | ({ index: number } & ({ chunk: ChatChunk } | { result: ChatResult }))
  | { news: ChatNews };

/** Its place in the line of chats, or how far its prompt is. */
export type ChatNews = { queued: number } | ChatProgress;

/** Leaving the loop, or a failure of one chat, ends all of them. @throws what a chat does */
export async function* runChats(
  prepared: PreparedChat,
  { n, hasProgress }: { n: number; hasProgress: boolean },
  work: Work,
): AsyncGenerator<ChatEvent> {
  const mail = new Mailbox<ChatEvent>();
  const leaving = new AbortController();
  // Each chat listens, and more than once; Node would warn of a leak.
  setMaxListeners(0, leaving.signal);
  const onAbort = () => leaving.abort(work.signal.reason);
  work.signal.throwIfAborted();
  work.signal.addEventListener('abort', onAbort, { once: true });
  const answer = async (index: number) => {
    const tell = hasProgress && index === 0 ? (news: ChatNews) => mail.push({ news }) : undefined;
    const ask = async () => {
      const stream = prepared.chat(index, leaving.signal, tell);
      for await (const chunk of stream) mail.push({ index, chunk });
      mail.push({ index, result: await stream.result });
    };
    const onPlace = tell && ((queued: number) => tell({ queued }));
    await work.visit.inSlot(prepared.cost, leaving.signal, ask, onPlace);
  };
  const chats = Promise.all(Array.from({ length: n }, (_, index) => answer(index)));
  chats.then(
    () => mail.end(),
    (error) => mail.fail(error),
  );
  try {
    yield* mail;
  } finally {
    work.signal.removeEventListener('abort', onAbort);
    leaving.abort(new DOMException('The answer is not wanted any more', 'AbortError'));
  }
}

/** What one side puts in and the other takes out, in order. */
class Mailbox<T> implements AsyncIterable<T> {
  readonly #letters: T[] = [];
  #end: { error?: unknown } | undefined;
  #wake = () => {};

  push(letter: T): void {
    this.#letters.push(letter);
    this.#wake();
  }

  end(): void {
    this.#end ??= {};
    this.#wake();
  }

  fail(error: unknown): void {
    this.#end ??= { error };
    this.#wake();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<T> {
    for (;;) {
      const letters = this.#letters.splice(0);
      yield* letters;
      if (this.#letters.length > 0) continue;
      if (this.#end) {
        if ('error' in this.#end) throw this.#end.error;
        return;
      }
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }
}
