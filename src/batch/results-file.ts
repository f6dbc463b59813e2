/**
 * The file of a batch: records as they come, so that a run that ended anyhow goes on where it stopped. A half record at the
 * end is cut off. When a run is complete, the file is put into the order of its items, each once; what it has of others
 * stands before them.
 */
import { LlavaError } from '../errors.js';
import { AppendLog } from '../files/append-log.js';
import { readLines } from '../files/lines.js';
import { takeLock } from '../files/lock-file.js';
import { putWhole, writeError } from '../files/whole-file.js';
import { openFile, withFile } from '../files/with-file.js';
import type { BatchRecord, KnownRecord, RecordFormat } from './record.js';

/** Bytes of the file that hold a record. */
interface Place {
  start: number;
  end: number;
}

type Kept = KnownRecord & Place;

export class ResultsFile {
  readonly #path: string;
  readonly #format: RecordFormat;
  readonly #kept: Map<string, Kept>;
  readonly #log: AppendLog;
  readonly #unlock: () => Promise<void>;

  private constructor(
    path: string,
    format: RecordFormat,
    { kept, log, unlock }: { kept: Map<string, Kept>; log: AppendLog; unlock: () => Promise<void> },
  ) {
    this.#path = path;
    this.#format = format;
    this.#kept = kept;
    this.#log = log;
    this.#unlock = unlock;
  }

  /** To be closed. @throws ERR_BATCH_RESULTS, ERR_WRITE */
  static async open(path: string, format: RecordFormat): Promise<ResultsFile> {
    const unlock = await takeLock(`${path}.lock`, (pid) =>
      resultsError(path, `process ${pid} is writing to it; if it is not, delete ${path}.lock`),
    );
    try {
      const { kept, end, isOpen } = await readRecords(path, format);
      const log = await AppendLog.open(path, end);
      if (end === 0 && format.head !== '') await log.append(format.head);
      else if (isOpen) await log.append('\n');
      return new ResultsFile(path, format, { kept, log, unlock });
    } catch (error) {
      await unlock();
      throw error;
    }
  }

  /** What is there of an item. @throws ERR_BATCH_RESULTS when it is of another question, model or options */
  find({ id, question, settings }: KnownRecord | BatchRecord): KnownRecord | undefined {
    const kept = this.#kept.get(id);
    if (!kept) return undefined;
    const other =
      (kept.question !== question && 'another question') ||
      (kept.settings !== settings && 'an answer by another model or other options');
    if (!other) return kept;
    throw resultsError(this.#path, `it has ${other} as ${JSON.stringify(id)}`);
  }

  /** @throws ERR_WRITE */
  async append(record: BatchRecord): Promise<void> {
    const place = await this.#log.append(this.#format.write(record));
    const { id, question, settings } = record;
    this.#kept.set(id, { id, question, settings, isError: record.error !== undefined, ...place });
  }

  /** Puts the records of a run that is complete into the order of its items. @throws ERR_WRITE */
  async order(ids: ReadonlySet<string>): Promise<void> {
    const others = [...this.#kept.values()].filter(({ id }) => !ids.has(id));
    const wanted = [...others.sort((a, b) => a.start - b.start)];
    for (const id of ids) wanted.push(this.#kept.get(id)!);
    let end = Buffer.byteLength(this.#format.head);
    const isOrdered = wanted.every((kept) => {
      const follows = kept.start === end;
      end = kept.end;
      return follows;
    });
    if (isOrdered && end === this.#log.size) return;
    await putWhole(this.#path, (temporary) =>
      copyRecords(this.#path, temporary, wanted, this.#format),
    );
  }

  async close(): Promise<void> {
    await this.#log.close();
    await this.#unlock();
  }
}

async function readRecords(
  path: string,
  format: RecordFormat,
): Promise<{ kept: Map<string, Kept>; end: number; isOpen: boolean }> {
  const kept = new Map<string, Kept>();
  const file = await openFile(path).catch((cause: NodeJS.ErrnoException) => {
    if (cause.code !== 'ENOENT') throw writeError(path, cause);
  });
  if (!file) return { kept, end: 0, isOpen: false };
  let end = 0;
  let isOpen = false;
  for await (const { text, isEnded, ...place } of records(file.createReadStream(), format)) {
    const isHead = end === 0 && format.head !== '';
    const record = isHead ? undefined : format.read(text);
    const isKnown = isHead
      ? `${text.replace(/\r$/, '')}\n` === format.head
      : record !== undefined || text === '';
    // Half written, as a killed process leaves it.
    if (!isKnown && !isEnded && (!isHead || format.head.startsWith(text))) break;
    if (!isKnown) throw unreadable(path, text, isHead);
    if (record) kept.set(record.id, { ...record, ...place, end: place.end + Number(!isEnded) });
    end = place.end;
    isOpen = !isEnded;
  }
  return { kept, end, isOpen };
}

/** Lines, joined where a record has several. */
async function* records(chunks: AsyncIterable<unknown>, format: RecordFormat) {
  let begun: { text: string; start: number } | undefined;
  for await (const line of readLines(chunks)) {
    const whole = begun
      ? { ...line, text: `${begun.text}\n${line.text}`, start: begun.start }
      : line;
    if (format.isWhole(whole.text) || !line.isEnded) yield whole;
    begun = format.isWhole(whole.text) ? undefined : whole;
  }
  // A file cut within a cell, right behind a line feed.
  if (begun) yield { ...begun, end: begun.start, isEnded: false };
}

async function copyRecords(
  from: string,
  to: string,
  places: readonly Place[],
  { head }: RecordFormat,
): Promise<void> {
  await withFile(from, 'r', (source) =>
    withFile(to, 'wx', async (target) => {
      let block: Buffer[] = [Buffer.from(head)];
      let size = 0;
      const flush = async () => {
        await target.appendFile(Buffer.concat(block));
        block = [];
        size = 0;
      };
      for (const { start, end } of places) {
        const bytes = Buffer.alloc(end - start);
        await source.read(bytes, 0, bytes.length, start);
        size += bytes.length;
        block.push(bytes);
        if (size > 1 << 20) await flush();
      }
      await flush();
      await target.sync();
    }),
  );
}

function unreadable(path: string, text: string, isHead: boolean): LlavaError {
  const shown = JSON.stringify(text.length > 80 ? `${text.slice(0, 80)}…` : text);
  if (isHead) return resultsError(path, `its columns are not those of this batch: ${shown}`);
  return resultsError(path, `it has a line that no batch wrote: ${shown}`);
}

export function resultsError(path: string, problem: string): LlavaError {
  const message = `Cannot go on with ${path}: ${problem}. Choose another file, or delete this one.`;
  return new LlavaError('ERR_BATCH_RESULTS', message, { path });
}
