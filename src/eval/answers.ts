/**
 * What was asked and answered, one JSON object per line, appended as answers come. A line that a killed process has left
 * half written is dropped when the file is opened again; of several lines about one sample the last counts.
 */
import { LlavaError } from '../errors.js';
import { readLines } from '../files/lines.js';
import { openFile } from '../files/with-file.js';

export interface AnswerRecord {
  part: string;
  id: string;
  /** Row of the part. */
  index: number;
  unit: string;
  unitSize: number;
  category?: string;
  prompt: string;
  /** What `score` compares with; absent where answers are not public. */
  gold?: unknown;
  images: number;
  video?: string;
  /** Stripped; absent when asking failed. */
  answer?: string;
  finishReason?: string;
  promptTokens?: number;
  visualTokens?: number;
  answerTokens?: number;
  error?: { code: string; message: string };
  promptHash: string;
  /** How long this answer took, ms. */
  ms: number;
  /** When the run began and when this answer came, ms since 1970. */
  run: number;
  at: number;
}

/** In the order of the file; nothing if there is none. @throws ERR_EVAL_RESULTS */
export function readAnswers(path: string): AsyncGenerator<AnswerRecord> {
  return readJsonLines<AnswerRecord>(path);
}

/** Lines of JSON, of which the last may be torn: it is left out. @throws ERR_EVAL_RESULTS */
export async function* readJsonLines<T>(path: string): AsyncGenerator<T> {
  const file = await openFile(path).catch((cause: NodeJS.ErrnoException) => {
    if (cause.code !== 'ENOENT') throw unreadable(path, cause);
  });
  if (!file) return;
  let number = 0;
  let torn: Error | undefined;
  for await (const { text } of readLines(file.createReadStream())) {
    if (torn) throw torn;
    number++;
    if (text.trim() === '') continue;
    let value: T;
    try {
      value = JSON.parse(text);
    } catch (cause) {
      torn = unreadable(`line ${number} of ${path}`, cause);
      continue;
    }
    yield value;
  }
}

function unreadable(where: string, cause: unknown): LlavaError {
  const message = `Cannot read ${where}: ${(cause as Error).message}`;
  return new LlavaError('ERR_EVAL_RESULTS', message, { path: where }, { cause });
}
