/**
 * A request as the JSON that is sent, in pieces: texts that are blobs, the pictures and clips, are never in the page's own memory as
 * one text with the rest.
 */
import { newId } from '../model/new-id.js';

/** @param request JSON, in which a blob stands for a text of letters that JSON needs not escape */
export function bodyOf(request: object): Blob | string {
  const blobs: Blob[] = [];
  // What no text of the request can have guessed.
  const mark = newId();
  const json = JSON.stringify(request, (_, value) =>
    value instanceof Blob ? mark + (blobs.push(value) - 1) : value,
  );
  if (blobs.length === 0) return json;
  const pieces = json.split(new RegExp(`${mark}(\\d+)`));
  const isBlob = (at: number) => at % 2 === 1;
  return new Blob(
    pieces.map((piece, at) => (isBlob(at) ? blobs[Number(piece)]! : piece)),
    { type: 'application/json' },
  );
}
