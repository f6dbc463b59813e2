/**
 * A long JSON text, in UTF-8, in pieces, each parsed by itself, with the event loop's turn between them: a vocabulary is megabytes, and
 * JSON.parse of it holds up everything else. Cut behind members of the containers that the caller names; each piece is made
 * whole by opening what is open where it begins and closing what is open where it ends.
 */
import { setImmediate as nextTurn } from 'node:timers/promises';
import { MAX_JSON_DEPTH } from './json-survey.js';

const PIECE = 1 << 15;
const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COMMA = 0x2c;
const OPEN_OBJECT = 0x7b;
const CLOSE_OBJECT = 0x7d;
const OPEN_ARRAY = 0x5b;
const CLOSE_ARRAY = 0x5d;

/** An object or array that is open at some place of the text. */
interface Container {
  /** With its key before it: `"vocab":{`. */
  opening: string;
  closing: '}' | ']';
  /** From the outermost object: `model.vocab`, '' for that itself; undefined where nothing is cut. */
  path: string | undefined;
  isCut: boolean;
}

interface Cut {
  at: number;
  opening: string;
  closing: string;
}

/**
 * @param paths of objects and arrays that may be cut: `model.vocab`, '' for the outermost
 * @param pieceLength for tests
 * @throws SyntaxError where JSON.parse of the whole would, though with another place; RangeError for values that nest deeper
 *  than any checkpoint's
 */
export async function* jsonPieces(
  text: Buffer,
  paths: readonly string[],
  pieceLength = PIECE,
): AsyncGenerator<unknown, void> {
  let from = 0;
  let opening = '';
  for (const cut of findCuts(text, paths, pieceLength)) {
    yield JSON.parse(opening + text.toString('utf8', from, cut.at) + cut.closing);
    from = cut.at + 1;
    opening = cut.opening;
    await nextTurn();
  }
  yield JSON.parse(opening + text.toString('utf8', from));
}

/** What is wrong with the text is left to JSON.parse. */
function* findCuts(text: Buffer, paths: readonly string[], pieceLength: number): Generator<Cut> {
  const open: Container[] = [];
  let last = 0;
  let key = { start: 0, end: 0 };
  for (let at = 0; at < text.length; at++) {
    const code = text[at];
    if (code === QUOTE) {
      const end = endOfString(text, at);
      key = { start: at, end };
      at = end - 1;
    } else if (code === OPEN_OBJECT || code === OPEN_ARRAY) {
      const bracket = code === OPEN_OBJECT ? '{' : '[';
      const name = text.toString('utf8', key.start, key.end);
      open.push(openContainer(bracket, name, { parent: open.at(-1), paths }));
      if (open.length > MAX_JSON_DEPTH)
        throw new RangeError(`its values nest more than ${MAX_JSON_DEPTH} deep`);
    } else if (code === CLOSE_OBJECT || code === CLOSE_ARRAY) open.pop();
    else if (code === COMMA && at - last >= pieceLength && isBetween(text, at, open.at(-1))) {
      last = at;
      const opening = open.map((container) => container.opening).join('');
      const closing = open.map((container) => container.closing);
      yield { at, opening, closing: closing.reverse().join('') };
    }
  }
}

function openContainer(
  bracket: '{' | '[',
  key: string,
  { parent, paths }: { parent: Container | undefined; paths: readonly string[] },
): Container {
  const closing = bracket === '{' ? '}' : ']';
  const isRoot = parent === undefined;
  const isNamed = parent?.path !== undefined && parent.closing === '}';
  const prefix = parent?.path ? `${parent.path}.` : '';
  const path = isRoot ? '' : isNamed ? prefix + key.slice(1, -1) : undefined;
  const isOnTheWay =
    path !== undefined &&
    paths.some((wanted) => path === '' || `${wanted}.`.startsWith(`${path}.`));
  return {
    opening: isRoot ? bracket : `${key}:${bracket}`,
    closing,
    path: isOnTheWay ? path : undefined,
    isCut: path !== undefined && paths.includes(path),
  };
}

/** Whether both sides of a comma have something, so that neither piece could hide that it is one too many. */
function isBetween(text: Buffer, at: number, container: Container | undefined): boolean {
  if (!container?.isCut) return false;
  const before = text
    .toString('latin1', Math.max(0, at - 64), at)
    .trimEnd()
    .at(-1);
  const after = text.toString('latin1', at + 1, at + 65).trimStart()[0];
  return (
    before !== undefined && after !== undefined && !/[{[,]/.test(before) && !/[}\],]/.test(after)
  );
}

/** Behind the closing quote. */
function endOfString(text: Buffer, start: number): number {
  for (let at = start + 1; at < text.length; at++) {
    const code = text[at];
    if (code === QUOTE) return at + 1;
    if (code === BACKSLASH) at++;
  }
  return text.length;
}
