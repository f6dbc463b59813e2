/**
 * Server-sent events: bytes as they come to the data of each event. Any line end, characters and lines cut anywhere; comments and
 * other fields are passed over, an event that was cut off is none.
 */

/** Cancels the source when its reader stops. */
export async function* eventData(bytes: ReadableStream<Uint8Array>): AsyncGenerator<string> {
  const reader = bytes.getReader();
  const decoder = new TextDecoder();
  const lines = new Lines();
  let data: string[] = [];
  try {
    for (let end = false; !end; ) {
      const { value, done } = await reader.read();
      end = done;
      for (const line of lines.push(decoder.decode(value, { stream: !done }))) {
        if (line === '' && data.length > 0) {
          yield data.join('\n');
          data = [];
        }
        const [, text] = /^data(?:: ?(.*))?$/s.exec(line) ?? [];
        if (text !== undefined || line === 'data') data.push(text ?? '');
      }
    }
  } finally {
    await reader.cancel().catch(() => {});
  }
}

/** Whole lines of a text that comes in pieces. */
class Lines {
  #rest = '';

  push(text: string): string[] {
    // A CR at the end may be half of a line end.
    const whole = this.#rest + text;
    const lines = whole.split(/\r\n|\n|\r(?!$)/);
    this.#rest = lines.pop()!;
    return lines;
  }
}
