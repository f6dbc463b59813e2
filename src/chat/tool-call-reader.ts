/**
 * The answer's text in, text and calls out: what stands between <tool_call> and </tool_call> is a call, whose arguments
 * come in pieces as they are written; everything else is text. Whatever may become a mark is held back.
 */
import { randomBytes } from 'node:crypto';
import type { ToolCall } from '../prompt/messages.js';
import { CALL_END, CALL_START } from '../prompt/tools.js';

/** A piece of a call: the name comes with the first, which has no arguments yet. */
export interface ToolCallDelta {
  /** Which call of the answer, from 0 on. */
  index: number;
  id: string;
  name: string;
  /** More of the arguments' JSON text. */
  arguments: string;
}

export interface ToolTextOut {
  text: string;
  deltas: ToolCallDelta[];
}

const HEAD = /^\s*\{\s*"name"\s*:\s*("(?:[^"\\]|\\.)*")\s*,\s*"arguments"\s*:\s*(?=\{)/;

interface OpenCall {
  id: string;
  name: string;
  arguments: string;
  /** Ends where the braces of the arguments are closed. */
  scanner: BraceScanner;
}

export class ToolCallReader {
  readonly calls: ToolCall[] = [];
  #held = '';
  #isInside = false;
  #open: OpenCall | undefined;
  #count = 0;

  push(text: string, isLast: boolean): ToolTextOut {
    this.#held += text;
    const out: ToolTextOut = { text: '', deltas: [] };
    while (this.#isInside ? this.#readCall(out) : this.#readText(out, isLast));
    return out;
  }

  /** @returns whether there is more to read */
  #readText(out: ToolTextOut, isLast: boolean): boolean {
    const at = this.#held.indexOf(CALL_START);
    if (at >= 0) {
      out.text += this.#take(at).trimEnd();
      this.#take(CALL_START.length);
      this.#isInside = true;
      return true;
    }
    out.text += this.#take(this.#held.length - (isLast ? 0 : heldBack(this.#held)));
    return false;
  }

  #readCall(out: ToolTextOut): boolean {
    if (!this.#open) {
      const head = HEAD.exec(this.#held);
      if (head) {
        this.#take(head[0].length);
        const name = JSON.parse(head[1]!) as string;
        const id = `call_${randomBytes(12).toString('hex')}`;
        this.#open = { id, name, arguments: '', scanner: new BraceScanner() };
        out.deltas.push({ index: this.#count, id, name, arguments: '' });
      } else return this.#skipCall();
    }
    const { id, name, scanner } = this.#open!;
    const piece = this.#take(scanner.lengthIn(this.#held));
    this.#open!.arguments += piece;
    if (piece !== '') out.deltas.push({ index: this.#count, id, name, arguments: piece });
    return scanner.isDone && this.#endCall();
  }

  /** What is no call in our form is dropped with its marks. */
  #skipCall(): boolean {
    const at = this.#held.indexOf(CALL_END);
    if (at < 0) return false;
    this.#take(at + CALL_END.length);
    this.#isInside = false;
    return true;
  }

  #endCall(): boolean {
    const at = this.#held.indexOf(CALL_END);
    if (at < 0) return false;
    this.#take(at + CALL_END.length);
    const { id, name, arguments: text } = this.#open!;
    this.calls.push({ id, name, arguments: JSON.parse(text) as Record<string, unknown> });
    this.#open = undefined;
    this.#isInside = false;
    this.#count++;
    return true;
  }

  #take(length: number): string {
    const taken = this.#held.slice(0, length);
    this.#held = this.#held.slice(length);
    return taken;
  }
}

/** Length of the end of the text that may begin a mark, white space before it included. */
function heldBack(text: string): number {
  for (let length = Math.min(text.length, CALL_START.length - 1); length > 0; length--) {
    if (CALL_START.startsWith(text.slice(-length))) {
      return text.length - text.slice(0, -length).trimEnd().length;
    }
  }
  return text.length - text.trimEnd().length;
}

/** Counts braces outside of strings. */
class BraceScanner {
  #depth = 0;
  #isString = false;
  #isEscaped = false;
  isDone = false;

  /** How much of the text belongs to the object. */
  lengthIn(text: string): number {
    for (let i = 0; i < text.length; i++) {
      if (this.isDone) return i;
      this.#read(text[i]!);
    }
    return text.length;
  }

  #read(char: string): void {
    if (this.#isEscaped) this.#isEscaped = false;
    else if (this.#isString) {
      if (char === '\\') this.#isEscaped = true;
      if (char === '"') this.#isString = false;
    } else if (char === '"') this.#isString = true;
    else if (char === '{') this.#depth++;
    else if (char === '}') this.isDone = --this.#depth === 0;
  }
}
