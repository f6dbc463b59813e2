/** Lines of a file or another stream, with the places where they begin and end. A line ends with LF alone: what else ends lines elsewhere,
 *  as U+2028 does in Node's own reader, may stand in JSON and in answers. */
export interface Line {
  /** Without its LF. */
  text: string;
  /** Bytes from the begin; `end` lies behind the LF. */
  start: number;
  end: number;
  /** Not so for what follows the last LF. */
  isEnded: boolean;
}

const LF = 10;

/** @param chunks of bytes, as a stream gives them */
export async function* readLines(chunks: AsyncIterable<unknown>): AsyncGenerator<Line> {
  let start = 0;
  let parts: Buffer[] = [];
  const take = (part: Buffer, isEnded: boolean): Line => {
    const bytes = Buffer.concat([...parts, part]);
    parts = [];
    const line = {
      text: bytes.toString(),
      start,
      end: start + bytes.length + Number(isEnded),
      isEnded,
    };
    start = line.end;
    return line;
  };
  for await (const chunk of chunks) {
    let rest = chunk as Buffer;
    for (let at = rest.indexOf(LF); at >= 0; at = rest.indexOf(LF)) {
      yield take(rest.subarray(0, at), true);
      rest = rest.subarray(at + 1);
    }
    if (rest.length > 0) parts.push(rest);
  }
  if (parts.length > 0) yield take(Buffer.alloc(0), false);
}
