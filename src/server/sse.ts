/**
 * Server-sent events: headers at once, a comment line whenever nothing was sent for a while, and no faster than they are read. A
 * reader that takes nothing for too long is cut off, so that what it holds becomes free.
 */
import type { FastifyReply } from 'fastify';
import { apiError } from './api-error.js';

export interface SseOptions {
  /** Milliseconds between comment lines. */
  heartbeatMs: number;
  /** How long a reader may take nothing. */
  stallMs: number;
  /** Aborts when the connection is gone. */
  signal: AbortSignal;
}

/** What follows `data: `, and perhaps a name of the event. */
export type SseEvent = { event?: string; data: object | '[DONE]' };

/** Sends all events; a failure between them is sent as one. Never throws. */
export async function sendEvents(
  reply: FastifyReply,
  events: AsyncIterable<SseEvent>,
  options: SseOptions,
): Promise<unknown> {
  const { raw } = reply;
  reply.hijack();
  raw.writeHead(200, {
    ...(reply.getHeaders() as Record<string, string>),
    'content-type': 'text/event-stream; charset=utf-8',
    'cache-control': 'no-store',
    'x-accel-buffering': 'no',
  });
  raw.flushHeaders();
  const heartbeat = setInterval(() => {
    if (!raw.writableNeedDrain) raw.write(': \n\n');
  }, options.heartbeatMs);
  try {
    for await (const event of events) {
      heartbeat.refresh();
      await write(reply, textOf(event), options);
    }
    return undefined;
  } catch (error) {
    if (!options.signal.aborted || !raw.destroyed)
      raw.write(textOf({ data: apiError(error).body }));
    return error;
  } finally {
    clearInterval(heartbeat);
    raw.end();
  }
}

function textOf({ event, data }: SseEvent): string {
  const name = event === undefined ? '' : `event: ${event}\n`;
  return `${name}data: ${data === '[DONE]' ? data : JSON.stringify(data)}\n\n`;
}

async function write({ raw }: FastifyReply, text: string, options: SseOptions): Promise<void> {
  const { signal, stallMs } = options;
  if (raw.write(text)) return;
  await new Promise<void>((resolve, reject) => {
    const settle = (end: () => void) => {
      clearTimeout(timer);
      raw.off('drain', onDrain);
      signal.removeEventListener('abort', onAbort);
      end();
    };
    const onDrain = () => settle(resolve);
    const onAbort = () => settle(() => reject(signal.reason));
    const timer = setTimeout(() => {
      raw.destroy();
      settle(() => reject(new Error('The reader takes nothing')));
    }, stallMs);
    raw.once('drain', onDrain);
    signal.addEventListener('abort', onAbort, { once: true });
    if (signal.aborted) onAbort();
  });
}
