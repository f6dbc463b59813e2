/**
 * A branch of turns, the settings and the media to the body of a chat completion. A branch that ends in an answer asks to go on in
 * it; answers that came to nothing are left out.
 */
import { toDataUrl } from '../model/base64.js';
import type { Id, Media, Settings, Turn } from '../model/types.js';

/** A URL is a blob of its text: bodyOf() knows. */
export type Part =
  | { type: 'text'; text: string }
  | { type: 'image_url'; image_url: { url: Blob } }
  | { type: 'video_url'; video_url: { url: Blob } };

export interface ChatRequestBody {
  model?: string;
  messages: { role: 'system' | 'user' | 'assistant'; content: string | Part[] }[];
  stream: true;
  stream_options: { include_usage: true };
  llava_onevision: { progress: true; geometry: true };
  temperature: number;
  top_p?: number;
  top_k?: number;
  repetition_penalty?: number;
  max_tokens: number;
  seed?: number;
  stop?: string[];
  response_format?: object;
  media_io_kwargs?: { video: { num_frames: number } };
  continue_final_message?: true;
}

/** The schema is no JSON object. */
export class BadSchema extends Error {
  override readonly name = 'BadSchema';
}

/** A picture or clip of a turn is not kept any more. */
export class MediaLost extends Error {
  override readonly name = 'MediaLost';
  readonly media: Media;

  constructor(media: Media) {
    super(`“${media.name}” is not kept any more; edit its message to go on without it.`);
    this.media = media;
  }
}

/** @throws BadSchema @throws MediaLost */
export async function toRequest(
  turns: readonly Turn[],
  settings: Settings,
  media: (id: Id) => Promise<Blob | undefined>,
): Promise<ChatRequestBody> {
  const asked = turns.filter(({ role, text }) => role === 'user' || text !== '');
  const messages: ChatRequestBody['messages'] = [];
  if (settings.system.trim() !== '') messages.push({ role: 'system', content: settings.system });
  for (const turn of asked)
    messages.push({ role: turn.role, content: await contentOf(turn, media) });
  const hasClip = asked.some((turn) => turn.media.some(({ kind }) => kind === 'video'));
  return {
    ...(settings.model !== '' && { model: settings.model }),
    messages,
    stream: true,
    stream_options: { include_usage: true },
    llava_onevision: { progress: true, geometry: true },
    ...sampling(settings),
    ...(hasClip && { media_io_kwargs: { video: { num_frames: settings.frames } } }),
    ...ending(asked.at(-1), settings),
  };
}

/** The server keeps no schema from the middle of an answer on. */
function ending(last: Turn | undefined, { schema }: Settings) {
  if (last?.role === 'assistant') return { continue_final_message: true } as const;
  return schema.trim() === '' ? {} : { response_format: format(schema) };
}

function sampling(settings: Settings) {
  const { temperature, topP, topK, repetitionPenalty, maxTokens, seed } = settings;
  const stop = settings.stop.filter((text) => text !== '');
  return {
    temperature,
    max_tokens: maxTokens,
    ...(topP !== null && { top_p: topP }),
    ...(topK !== null && { top_k: topK }),
    ...(repetitionPenalty !== null && { repetition_penalty: repetitionPenalty }),
    ...(seed !== null && { seed }),
    ...(stop.length > 0 && { stop }),
  };
}

function format(text: string): object {
  let schema: unknown;
  try {
    schema = JSON.parse(text);
  } catch (cause) {
    throw new BadSchema(`The schema is not JSON: ${(cause as Error).message}`, { cause });
  }
  if (typeof schema !== 'object' || schema === null || Array.isArray(schema))
    throw new BadSchema('The schema has to be a JSON object, like { "type": "object" }.');
  return { type: 'json_schema', json_schema: { name: 'answer', schema, strict: true } };
}

/** Media before the text, as the model learned them. */
async function contentOf(
  turn: Turn,
  media: (id: Id) => Promise<Blob | undefined>,
): Promise<string | Part[]> {
  if (turn.role === 'assistant' || turn.media.length === 0) return turn.text;
  const parts: Part[] = [];
  for (const one of turn.media) {
    const blob = await media(one.id);
    if (!blob) throw new MediaLost(one);
    const url = await toDataUrl(blob, one.type || `${one.kind}/*`);
    parts.push(
      one.kind === 'image'
        ? { type: 'image_url', image_url: { url } }
        : { type: 'video_url', video_url: { url } },
    );
  }
  if (turn.text !== '') parts.push({ type: 'text', text: turn.text });
  return parts;
}
