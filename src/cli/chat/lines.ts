/**
 * Lines from the terminal or a pipe, one at a time, and Ctrl-C: the first stops what is running or empties the line, a second
 * one without a line in between leaves. What is typed during an answer is read afterwards.
 */
import { createInterface, type Interface } from 'node:readline';
import { Writable } from 'node:stream';
import { complete } from './completion.js';

const PROMPT = '> ';

export class ChatLines {
  readonly isInteractive = process.stdin.isTTY === true;
  wasInterrupted = false;
  readonly #readline: Interface;
  readonly #lines: string[] = [];
  /** Stops the answer under way; false when there is none. */
  readonly #stop: () => boolean;
  #isQuiet = false;
  #isClosed = false;
  #nInterrupts = 0;
  #wake = () => {};

  constructor(stop: () => boolean) {
    this.#stop = stop;
    const screen = process.stdout.isTTY ? process.stdout : process.stderr;
    const output = new Writable({
      write: (chunk, _, done) => {
        if (this.#isQuiet) done();
        else screen.write(chunk, done);
      },
    });
    Object.assign(output, { columns: screen.columns, rows: screen.rows });
    this.#readline = createInterface({
      input: process.stdin,
      ...(this.isInteractive ? { output, terminal: true, completer: complete } : {}),
      prompt: PROMPT,
    });
    this.#readline.on('SIGINT', this.#interrupt).on('line', (line) => this.#add(line));
    process.on('SIGINT', this.#interrupt).on('SIGTERM', this.#leave);
    this.#readline.on('close', () => {
      if (this.isInteractive && !this.#isQuiet) screen.write('\n');
      this.#isClosed = true;
      this.#wake();
    });
  }

  /** Nothing that is typed shows while an answer is written. */
  quiet(isQuiet: boolean): void {
    this.#isQuiet = isQuiet;
  }

  close(): void {
    process.off('SIGINT', this.#interrupt).off('SIGTERM', this.#leave);
    this.#isQuiet = true;
    this.#readline.close();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<string> {
    while (true) {
      const line = this.#lines.shift();
      if (line !== undefined && !this.wasInterrupted) yield line;
      else if (this.#isClosed) return;
      else {
        if (this.isInteractive) this.#readline.prompt(true);
        await new Promise<void>((resolve) => {
          this.#wake = resolve;
        });
      }
    }
  }

  #add(line: string): void {
    this.#nInterrupts = 0;
    this.#lines.push(line);
    this.#wake();
  }

  readonly #interrupt = () => {
    if (++this.#nInterrupts > 1) this.#leave();
    else if (!this.#stop() && this.isInteractive) {
      process.stderr.write('\n(Ctrl-C again or /exit leaves)\n');
      this.#readline.write(null, { ctrl: true, name: 'e' });
      this.#readline.write(null, { ctrl: true, name: 'u' });
    }
  };

  readonly #leave = () => {
    this.wasInterrupted = true;
    this.#stop();
    this.#readline.close();
  };
}
