/** A response as it comes: events with a number each, from `response.created` to `response.completed`. */
import type { ChatResult } from '../../chat/chat-stream.js';
import type { ToolCallDelta } from '../../chat/tool-call-reader.js';
import { apiError } from '../api-error.js';
import type { ChatEvent } from '../chat-run.js';
import { newId } from '../ids.js';
import type { SseEvent } from '../sse.js';
import {
  finishedResponse,
  messageItem,
  type OutputItem,
  type ResponseHead,
  responseObject,
  textPart,
} from './response-object.js';

export interface ResponseWriting {
  onChunk?: (index: number) => void;
  /** The answer is there. */
  onEnd: (output: readonly OutputItem[], response: object, result: ChatResult) => void;
}

/** An event's type and its fields. */
type Told = [type: string, fields: object];

/** Everything that is still to be told, item by item. */
class Items {
  readonly done: OutputItem[] = [];
  #open: OutputItem | undefined;

  *text(text: string): Generator<Told> {
    if (this.#open?.type !== 'message') {
      // White space between calls says nothing.
      if (text === '' || (this.done.length > 0 && text.trim() === '')) return;
      yield* this.close();
      const item = messageItem(newId('msg_'), '', 'in_progress');
      yield* this.#begin(item, { ...item, content: [] });
      yield ['content_part.added', { ...this.#place, content_index: 0, part: textPart('') }];
    }
    if (text === '' || this.#open?.type !== 'message') return;
    this.#open.content[0]!.text += text;
    const place = { ...this.#place, content_index: 0 };
    yield ['output_text.delta', { ...place, delta: text, logprobs: [] }];
  }

  *call({ id, name, arguments: more }: ToolCallDelta): Generator<Told> {
    if (this.#open?.type !== 'function_call' || this.#open.call_id !== id) {
      yield* this.close();
      const facts = { call_id: id, name, arguments: '', status: 'in_progress' };
      const item: OutputItem = { type: 'function_call', id: newId('fc_'), ...facts };
      yield* this.#begin(item, { ...item });
    }
    if (more === '' || this.#open?.type !== 'function_call') return;
    this.#open.arguments += more;
    yield ['function_call_arguments.delta', { ...this.#place, delta: more }];
  }

  /** @param isCut the answer ended within the item */
  *close(isCut = false): Generator<Told> {
    const item = this.#open;
    if (!item) return;
    const place = this.#place;
    item.status = isCut ? 'incomplete' : 'completed';
    if (item.type === 'message') {
      const [part] = item.content;
      const at = { ...place, content_index: 0 };
      yield ['output_text.done', { ...at, text: part!.text, logprobs: [] }];
      yield ['content_part.done', { ...at, part }];
    } else {
      const { name, arguments: text } = item;
      yield ['function_call_arguments.done', { ...place, name, arguments: text }];
    }
    yield ['output_item.done', { output_index: place.output_index, item }];
    this.done.push(item);
    this.#open = undefined;
  }

  *#begin(item: OutputItem, shown: object): Generator<Told> {
    this.#open = item;
    yield ['output_item.added', { output_index: this.#place.output_index, item: shown }];
  }

  get #place(): { output_index: number; item_id: string } {
    return { output_index: this.done.length, item_id: this.#open!.id };
  }
}

/** Also a failure is an event, and the last. */
export async function* responseEvents(
  events: AsyncIterable<ChatEvent>,
  head: ResponseHead,
  writing: ResponseWriting,
): AsyncGenerator<SseEvent> {
  let nEvents = 0;
  const tell = ([name, fields]: Told): SseEvent => {
    const type = `response.${name}`;
    return { event: type, data: { type, sequence_number: nEvents++, ...fields } };
  };
  yield tell(['created', { response: responseObject(head, {}) }]);
  yield tell(['in_progress', { response: responseObject(head, {}) }]);
  try {
    for await (const told of toldOf(events, head, writing)) yield tell(told);
  } catch (error) {
    const { message, code, type } = apiError(error).body.error;
    const failed = { status: 'failed', error: { code: code ?? type, message } };
    yield tell(['failed', { response: responseObject(head, failed) }]);
  }
}

async function* toldOf(
  events: AsyncIterable<ChatEvent>,
  head: ResponseHead,
  { onChunk, onEnd }: ResponseWriting,
): AsyncGenerator<Told> {
  const items = new Items();
  for await (const event of events) {
    if ('news' in event) continue;
    if ('chunk' in event) {
      onChunk?.(event.index);
      yield* items.text(event.chunk.text);
      for (const delta of event.chunk.toolCalls ?? []) yield* items.call(delta);
      continue;
    }
    const isCut = event.result.finishReason === 'length';
    yield* items.close(isCut);
    const response = finishedResponse(head, items.done, event.result);
    onEnd(items.done, response, event.result);
    yield [isCut ? 'incomplete' : 'completed', { response }];
  }
}

/** The same, of which only the last event counts. @throws what a chat does */
export async function wholeResponse(
  events: AsyncIterable<ChatEvent>,
  head: ResponseHead,
  writing: ResponseWriting,
): Promise<object> {
  let last: object = {};
  for await (const [, fields] of toldOf(events, head, writing))
    if ('response' in fields) last = fields.response as object;
  return last;
}
