/** What `--input` names, looked at before a model is loaded: counted, and read again, item by item, when it is asked. */
import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { askedItem } from '../../batch/item.js';
import { invalidArgument } from '../../errors.js';
import type { BatchItem } from '../../index.js';
import { filesIn, filesLike, isPattern } from './find-files.js';
import { isUrl, lineError, questionLines } from './question-lines.js';

type Item = string | BatchItem;

const STDIN = '-';

export interface Inputs {
  /** Undefined for stdin, which is read only once. */
  total: number | undefined;
  items(): AsyncGenerator<Item>;
  /** Whoever waits for more of stdin waits no longer. */
  close(): void;
}

export interface InputOptions {
  /** The question about what brings none. */
  prompt: string | undefined;
  /** What relative paths in JSONL files are relative to. Default: their folder. */
  media: string | undefined;
}

interface Source {
  /** Of JSONL, whose lines are checked; undefined for what cannot be counted. */
  check?: () => Promise<number>;
  items(): AsyncGenerator<Item>;
}

/** @throws ERR_INVALID_ARGUMENT for what is not there, finds nothing, or holds no questions */
export async function openInputs(names: readonly string[], options: InputOptions): Promise<Inputs> {
  const sources = await Promise.all(names.map((name) => openSource(name, options)));
  let total: number | undefined = 0;
  for (const [i, source] of sources.entries()) {
    const count = await source.check?.();
    if (count === 0) throw invalidArgument('input', 'pictures, clips or questions', names[i]);
    total = count === undefined || total === undefined ? undefined : total + count;
  }
  return {
    total,
    async *items() {
      for (const source of sources) yield* source.items();
    },
    close() {
      if (names.includes(STDIN)) process.stdin.destroy();
    },
  };
}

async function openSource(name: string, options: InputOptions): Promise<Source> {
  if (name === STDIN) return stdin(options);
  if (isUrl(name)) return named(() => oneOf(name), options);
  const info = await stat(name).catch(() => undefined);
  if (info?.isDirectory()) return named(() => filesIn(name), options);
  if (info)
    return /\.(jsonl|ndjson)$/i.test(name)
      ? lines(name, options)
      : named(() => oneOf(name), options);
  // Windows' own separator means something else in patterns.
  const pattern = process.platform === 'win32' ? name.replaceAll('\\', '/') : name;
  if (isPattern(pattern)) return named(() => filesLike(pattern), options);
  throw invalidArgument('input', 'a file, a folder, a pattern or a URL that is there', name);
}

async function* oneOf(name: string): AsyncGenerator<string> {
  yield name;
}

/** Pictures and clips. */
function named(items: () => AsyncGenerator<string>, { prompt }: InputOptions): Source {
  const check = async () => {
    if (prompt === undefined)
      throw invalidArgument('prompt', 'a question, since the pictures bring none,', prompt);
    let count = 0;
    for await (const _ of items()) count++;
    return count;
  };
  return { check, items };
}

function lines(name: string, { prompt, media }: InputOptions): Source {
  const folder = media ?? dirname(name);
  const read = () => questionLines({ name, folder, chunks: createReadStream(name) });
  const asking = { prompt, system: undefined, frames: undefined };
  const check = async () => {
    let count = 0;
    for await (const { item, where } of read()) {
      await askedItem(item, count++, asking).catch((error) => {
        throw lineError(where, error.message, error);
      });
    }
    return count;
  };
  return { check, items: () => itemsOf(read()) };
}

/** JSONL. */
function stdin({ media = '.' }: InputOptions): Source {
  const source = { name: 'stdin', folder: media, chunks: process.stdin };
  return { items: () => itemsOf(questionLines(source)) };
}

async function* itemsOf(lines: ReturnType<typeof questionLines>): AsyncGenerator<BatchItem> {
  for await (const { item } of lines) yield item;
}
