/** Chunks of a streamed chat completion to what the page shows of them. */
import type { Seen } from '../model/types.js';
import { refusal, Unreachable } from './errors.js';
import { readSeen } from './seen.js';

export type ChatNews =
  | { kind: 'queued'; place: number }
  | { kind: 'stage'; stage: string; done?: number; of?: number }
  | { kind: 'text'; text: string }
  | { kind: 'end'; reason: 'stop' | 'length'; seen: Seen };

interface Chunk {
  error?: unknown;
  choices?: { delta?: { content?: string | null }; finish_reason?: string | null }[];
  usage?: unknown;
  llava_onevision?: { queued?: number; stage?: string; done?: number; of?: number };
}

/** @throws Refused what the server says in the middle @throws Unreachable for a stream without an end */
export async function* chatNews(events: AsyncIterable<string>): AsyncGenerator<ChatNews> {
  let reason: 'stop' | 'length' = 'stop';
  let last: Chunk = {};
  let isWhole = false;
  // To its end: who leaves earlier has cancelled it.
  for await (const data of events) {
    isWhole ||= data === '[DONE]';
    if (isWhole) continue;
    const chunk = parsed(data);
    if (chunk.error) throw refusal(chunk);
    const [choice] = chunk.choices ?? [];
    if (choice?.finish_reason === 'length') reason = 'length';
    if (choice?.delta?.content) yield { kind: 'text', text: choice.delta.content };
    if (chunk.usage) last = chunk;
    else if (chunk.llava_onevision) yield* progress(chunk.llava_onevision);
  }
  if (!isWhole) throw new Unreachable();
  yield { kind: 'end', reason, seen: readSeen({ ...last }) };
}

function* progress(own: NonNullable<Chunk['llava_onevision']>): Generator<ChatNews> {
  const { queued, stage, done, of } = own;
  if (queued !== undefined) yield { kind: 'queued', place: queued };
  if (stage === undefined) return;
  const known = { ...(done !== undefined && { done }), ...(of !== undefined && { of }) };
  yield { kind: 'stage', stage, ...known };
}

function parsed(data: string): Chunk {
  try {
    const chunk: unknown = JSON.parse(data);
    return typeof chunk === 'object' && chunk !== null ? chunk : {};
  } catch (cause) {
    throw new Unreachable({ cause });
  }
}
