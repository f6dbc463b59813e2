/** What is kept of an answered item, and how a file holds it: a line of JSON, or a row of a table (csv.ts). */
import type { ChatResult } from '../chat/chat-stream.js';
import { isRecord, parseJson } from '../option-checks.js';

/** @typeParam P what `parsed` is. */
export interface BatchRecord<P = unknown> {
  id: string;
  /** Absent when asking failed, as all that belongs to an answer. */
  text?: string;
  /** With a JSON response format. */
  parsed?: P;
  toolCalls?: ChatResult['toolCalls'];
  finishReason?: ChatResult['finishReason'];
  usage?: Pick<ChatResult['usage'], 'promptTokens' | 'visualTokens' | 'completionTokens'>;
  error?: { code: string; message: string };
  /** Digests of what was asked, and of model and options. */
  question: string;
  settings: string;
}

/** What a file says of a record that is there. */
export type KnownRecord = Pick<BatchRecord, 'id' | 'question' | 'settings'> & { isError: boolean };

export interface RecordFormat {
  /** The first line of a file, if it has one. */
  head: string;
  write(record: BatchRecord): string;
  /** Undefined for what is no record. @param text without its last line feed */
  read(text: string): KnownRecord | undefined;
  /** Whether lines so far are a record, or a begin of one that goes on in the next line. */
  isWhole(text: string): boolean;
}

export const JSON_LINES: RecordFormat = {
  head: '',
  write: (record) => `${JSON.stringify(record)}\n`,
  read(text) {
    const value = parseJson(text);
    if (!isRecord(value)) return undefined;
    const { id, question, settings, error } = value;
    return known([id, question, settings], error !== undefined);
  },
  isWhole: () => true,
};

export function known(
  [id, question, settings]: readonly unknown[],
  isError: boolean,
): KnownRecord | undefined {
  if (typeof id !== 'string' || id === '') return undefined;
  if (!isDigest(question) || !isDigest(settings)) return undefined;
  return { id, question, settings, isError };
}

/** A row that was cut within its last cell has less. */
function isDigest(value: unknown): value is string {
  return typeof value === 'string' && /^[0-9a-f]{16}$/.test(value);
}
