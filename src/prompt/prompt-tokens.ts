/** Prompt parts to token ids, with a gap for each media part. Knows nothing about how many rows a gap takes. */
import { LlavaError } from '../errors.js';
import type { PromptPart } from './chatml.js';

export type PromptSegment = { tokens: Int32Array } | { media: number };

export interface TokenizeOptions {
  /** Is told the bytes of all texts before any is tokenized, which takes many times their memory; throws to have none of it. */
  onBytes?: (bytes: number) => void;
}

export interface Vocabulary {
  /** Ids of NFC text; special tokens in it stay text. */
  tokenizeAsync(text: string): Promise<Int32Array>;
  /** -1 when there is no such special token. */
  specialToken(text: string): number;
}

/**
 * Text is put into Unicode's composed form, as the tokenizer was trained on; half a surrogate pair becomes U+FFFD.
 * @returns token segments, never empty nor adjacent, and media in the prompt's order
 * @throws ERR_MODEL_LOAD when the vocabulary lacks a special token of the template; what `onBytes` throws
 */
export async function tokenizePrompt(
  parts: readonly PromptPart[],
  vocabulary: Vocabulary,
  { onBytes }: TokenizeOptions = {},
): Promise<PromptSegment[]> {
  const composed = parts.map((part) =>
    part.kind === 'text' ? { ...part, text: composedText(part.text) } : part,
  );
  onBytes?.(composed.reduce((sum, part) => sum + bytesOf(part), 0));
  const segments: PromptSegment[] = [];
  let pending: Int32Array[] = [];
  const flush = () => {
    if (pending.length > 0) segments.push({ tokens: joined(pending) });
    pending = [];
  };
  for (const part of composed) {
    if (part.kind === 'media') {
      flush();
      segments.push({ media: part.index });
    } else if (part.kind === 'special') {
      pending.push(Int32Array.of(specialToken(part.text, vocabulary)));
    } else {
      pending.push(await vocabulary.tokenizeAsync(part.text));
    }
  }
  flush();
  return segments;
}

function composedText(text: string): string {
  return text.replace(/\p{Surrogate}/gu, '\uFFFD').normalize('NFC');
}

function bytesOf(part: PromptPart): number {
  return part.kind === 'text' ? Buffer.byteLength(part.text) : 0;
}

function joined(pieces: readonly Int32Array[]): Int32Array {
  const all = new Int32Array(pieces.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const piece of pieces) {
    all.set(piece, at);
    at += piece.length;
  }
  return all;
}

function specialToken(text: string, vocabulary: Vocabulary): number {
  const token = vocabulary.specialToken(text);
  if (token < 0)
    throw new LlavaError(
      'ERR_MODEL_LOAD',
      `The model's vocabulary has no special token ${text}, which its prompts need; is it a LLaVA-OneVision decoder?`,
    );
  return token;
}
