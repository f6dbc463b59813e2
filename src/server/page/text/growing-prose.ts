/**
 * A long paragraph that is still written: where it can be parted, so that what stands before stays as it was drawn. Only while it is
 * written; complete, it is drawn as one.
 */
import { mendOpen } from './mend-open.js';

/** Letters at the end that are always made anew, and that are let grow before there is a new part. */
const OPEN = 400;
const MAX_TRIES = 8;

/** After a word and before one, so that neither part begins with what Markdown takes for a mark. */
const BETWEEN_WORDS = /(?<=[\p{L}\p{N}.,;:!?)] )(?=\p{L})/gu;

/** Where the second part begins; 0 where there is no place yet. */
export function proseCut(source: string): number {
  if (source.length < 2 * OPEN) return 0;
  const places = [...source.slice(0, -OPEN).matchAll(BETWEEN_WORDS)].map(({ index }) => index);
  return places.slice(-MAX_TRIES).findLast((at) => isClosed(source.slice(0, at - 1))) ?? 0;
}

/** Whether nothing that begins in it ends behind it. */
function isClosed(text: string): boolean {
  const count = (mark: RegExp) => text.match(mark)?.length ?? 0;
  return (
    mendOpen(text, 'paragraph') === text &&
    count(/\[/g) === count(/\]/g) &&
    count(/</g) === count(/>/g) &&
    count(/\$/g) % 2 === 0 &&
    count(/\\\(/g) === count(/\\\)/g)
  );
}
