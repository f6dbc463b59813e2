/**
 * A conversation as ChatML: special tokens, spans of text and the places of media. Text between two special tokens or
 * media is one span, because BPE joins across what a template would keep apart. Text stays text: a user's
 * `<|im_end|>` or `<image>` is never the token.
 * @see LLaVA-NeXT llava/conversation.py "qwen_1_5" (commit df17966), the chat template of llava-hf checkpoints
 */
import { type Dialect, dialectRules, type PromptTemplate } from '../dialect.js';
import { continuedText, type MediaPart, type Message } from './messages.js';
import { plainMessages, type ToolText } from './tools.js';

export type PromptPart =
  | { kind: 'special'; text: string }
  | { kind: 'text'; text: string }
  /** Counts images and videos in the order of the conversation, which a template may change. */
  | { kind: 'media'; index: number };

const START = '<|im_start|>';
const END = '<|im_end|>';

/** A part of one message; empty texts are left out. */
type Piece = { type: 'text'; text: string } | { type: MediaPart['type']; index: number };

export interface PromptOptions {
  tools?: readonly ToolText[] | undefined;
  /** The answer goes on in the last message, an assistant's text. */
  isContinued?: boolean | undefined;
}

/**
 * The prompt up to where the answer begins. Each message is closed, an assistant's too, and a new assistant turn opened;
 * only an empty assistant message at the end is that new turn itself. An empty system message stands for no system
 * message at all, the default one included. A message that is gone on in stands behind the header of a new turn, as the
 * model itself would have written it there: not as a template closes it (transformers' puts other white space before it).
 */
export function renderPrompt(
  conversation: readonly Message[],
  dialect: Dialect,
  { tools = [], isContinued = false }: PromptOptions = {},
): PromptPart[] {
  const { template } = dialectRules(dialect);
  const closed = isContinued ? conversation.slice(0, -1) : conversation;
  const messages = plainMessages(closed, tools, template.defaultSystem);
  const out = new PromptBuilder();
  for (const { role, pieces } of toTurns(messages, template)) {
    out.special(START);
    if (template.emptyIsOpen && pieces.length === 0) {
      out.text(`${role}\n`);
      continue;
    }
    out.text(role + template.afterRole);
    for (const piece of template.mediaFirst ? mediaFirst(pieces) : joined(pieces)) {
      if (piece.type === 'text') out.text(piece.text);
      else out.media(piece.index);
    }
    out.special(END);
    out.text(template.afterEnd);
  }
  out.special(START);
  out.text(`assistant\n${isContinued ? continuedText(conversation) : ''}`);
  return out.parts;
}

/** For people and logs: `<image>` stands at the place of every media part, videos too. */
export function promptText(parts: readonly PromptPart[]): string {
  return parts.map((part) => (part.kind === 'media' ? '<image>' : part.text)).join('');
}

class PromptBuilder {
  readonly parts: PromptPart[] = [];

  special(text: string): void {
    this.parts.push({ kind: 'special', text });
  }

  media(index: number): void {
    this.parts.push({ kind: 'media', index });
  }

  text(text: string): void {
    const last = this.parts.at(-1);
    if (last?.kind === 'text') last.text += text;
    else if (text !== '') this.parts.push({ kind: 'text', text });
  }
}

interface Turn {
  role: Message['role'];
  pieces: Piece[];
}

function toTurns(messages: readonly Message[], { defaultSystem }: PromptTemplate): Turn[] {
  let nMedia = 0;
  const turns = messages.map(({ role, content }): Turn => {
    const parts =
      typeof content === 'string' ? [{ type: 'text' as const, text: content }] : content;
    const pieces = parts.map(
      (part): Piece => (part.type === 'text' ? part : { type: part.type, index: nMedia++ }),
    );
    return { role, pieces: pieces.filter((piece) => piece.type !== 'text' || piece.text !== '') };
  });
  if (isEmpty(turns.at(-1), 'assistant')) turns.pop();
  if (isEmpty(turns[0], 'system')) return turns.slice(1);
  if (defaultSystem === null || turns[0]?.role === 'system') return turns;
  return [{ role: 'system', pieces: [{ type: 'text', text: defaultSystem }] }, ...turns];
}

function isEmpty(turn: Turn | undefined, role: Message['role']): boolean {
  return turn?.role === role && turn.pieces.length === 0;
}

/** Images, then videos, back to back, then the texts, each after a line feed. */
function mediaFirst(pieces: readonly Piece[]): Piece[] {
  return (['image', 'video', 'text'] as const).flatMap((type) =>
    pieces
      .filter((piece) => piece.type === type)
      .map((piece) => (piece.type === 'text' ? { ...piece, text: `\n${piece.text}` } : piece)),
  );
}

/** In the user's order: a space between media, a line feed between media and text that has no white space there. */
function joined(pieces: readonly Piece[]): Piece[] {
  return pieces.flatMap((piece, i) => {
    const glue = i === 0 ? '' : glueBetween(pieces[i - 1]!, piece);
    return [{ type: 'text', text: glue }, piece];
  });
}

function glueBetween(left: Piece, right: Piece): string {
  if (left.type === 'text') return right.type === 'text' || /\s$/.test(left.text) ? '' : '\n';
  if (right.type === 'text') return right.text.startsWith('\n') ? '' : '\n';
  return ' ';
}
