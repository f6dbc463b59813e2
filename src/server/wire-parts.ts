/**
 * The parts of a message as OpenAI's clients, and those of its imitators, write them, to texts and the places of pictures and
 * clips. Looks at nothing that a URL names: that is media/'s.
 */
import { IMAGE_DETAILS, type ImageDetail, type TextPart } from '../prompt/messages.js';
import { type ApiError, badRequest } from './api-error.js';
import { Fields, wrong } from './fields.js';

/** A picture or clip that is still to be had. */
export interface MediaPlace {
  type: 'image' | 'video';
  url: string;
  detail: ImageDetail | undefined;
  /** The field that named it. */
  param: string;
}

export type WirePart = TextPart | MediaPlace;

const MAX_URL_IN_MESSAGES = 40;

const READERS: Readonly<Record<string, (part: Fields) => WirePart>> = {
  text: textPart,
  input_text: textPart,
  output_text: textPart,
  refusal: (part) => ({ type: 'text', text: required(part, 'refusal') }),
  image_url: imagePart,
  input_image: imagePart,
  video_url: (part) => videoPlace(locationOf(part, 'video_url'), part.path('video_url')),
  input_video: videoPart,
  file: (part) => filePart(part.object('file') ?? part),
  input_file: filePart,
};

/** @throws 400 */
export function readPart(value: unknown, path: string): WirePart {
  const part = new Fields(value, path);
  const type = required(part, 'type');
  const read = Object.hasOwn(READERS, type) ? READERS[type] : undefined;
  if (read) return read(part);
  const known = Object.keys(READERS).join(', ');
  const what = type.length > MAX_URL_IN_MESSAGES ? 'another' : `"${type}"`;
  throw badRequest(
    part.path('type'),
    `'${part.path('type')}' has to be one of ${known}, not ${what}.`,
  );
}

function textPart(part: Fields): TextPart {
  return { type: 'text', text: required(part, 'text') };
}

/** `image_url` is an object with `url`, or the URL itself. */
function imagePart(part: Fields): MediaPlace {
  if (part.value('file_id') !== undefined) throw noFiles(part.path('file_id'));
  const given = part.value('image_url');
  const outer = part.choice('detail', IMAGE_DETAILS);
  const param = part.path('image_url');
  if (typeof given === 'string') return { type: 'image', url: given, detail: outer, param };
  const image = part.object('image_url');
  if (!image) throw wrong(param, 'an object with url', undefined);
  const detail = image.choice('detail', IMAGE_DETAILS) ?? outer;
  return { type: 'image', url: required(image, 'url'), detail, param };
}

/** llama-server's form: base64 in `data`, or `url`. */
function videoPart(part: Fields): MediaPlace {
  const given = part.value('input_video');
  if (typeof given === 'string') return videoPlace(given, part.path('input_video'));
  const video = part.object('input_video') ?? part;
  const data = video.text('data');
  if (data === undefined) return videoPlace(required(video, 'url'), video.path('url'));
  const url = /^data:/i.test(data) ? data : `data:video/mp4;base64,${data}`;
  return videoPlace(url, video.path('data'));
}

/** A picture or clip by its media type; documents are none. */
function filePart(file: Fields): MediaPlace {
  if (file.value('file_id') !== undefined) throw noFiles(file.path('file_id'));
  const name = file.value('file_data') === undefined ? 'file_url' : 'file_data';
  const url = required(file, name);
  const param = file.path(name);
  const [, kind] = /^data:(image|video)\//i.exec(url) ?? [];
  if (kind?.toLowerCase() === 'image') return { type: 'image', url, detail: undefined, param };
  if (kind !== undefined) return videoPlace(url, param);
  throw badRequest(param, `'${param}' has to be a data: URL of type image/… or video/….`);
}

function videoPlace(url: string, param: string): MediaPlace {
  return { type: 'video', url, detail: undefined, param };
}

function locationOf(part: Fields, name: string): string {
  const given = part.value(name);
  if (typeof given === 'string') return given;
  const object = part.object(name);
  if (!object) throw wrong(part.path(name), 'an object with url', undefined);
  return required(object, 'url');
}

/** @throws 400 when it is absent */
export function required(fields: Fields, name: string): string {
  const value = fields.text(name);
  if (value === undefined) throw wrong(fields.path(name), 'a text', undefined);
  return value;
}

function noFiles(param: string): ApiError {
  return badRequest(param, 'This server keeps no files; send a data: URL.', 'unsupported');
}
