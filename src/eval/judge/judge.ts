/**
 * The judge's stages after the answers are there: which requests have no reply yet, their file for judges asked elsewhere,
 * taking in replies from a file, and asking an OpenAI-compatible judge. Replies are kept beside the answers and never asked
 * for twice; a request that depends on an earlier reply comes up when that is there.
 */
import { appendFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { LlavaError } from '../../errors.js';
import { makeFolder } from '../../files/make-folder.js';
import { writeWhole } from '../../files/whole-file.js';
import { readAnswers, readJsonLines } from '../answers.js';
import type { Answered, Benchmark } from '../benchmark.js';
import { type ChatApiOptions, chatCompletion } from '../chat-api.js';
import { groupBy } from '../figures.js';
import { answersPath, type Manifest, resultsError } from '../results.js';
import { keyOf, unitKey } from '../select.js';
import { answeredOf } from '../tally.js';
import { type JudgeReply, readReplies, repliesPath } from './files.js';
import type { JudgeImages } from './judge-images.js';
import type { JudgeRequest } from './request.js';

export interface PendingRequest extends JudgeRequest {
  part: string;
  /** The sample whose pictures the judge sees. */
  sample: string;
}

export interface JudgeOptions {
  /** The results. */
  dir: string;
  benchmark: Benchmark;
  rules: Manifest['rules'];
}

/** Requests without a reply, as far as replies so far allow to tell. @throws ERR_EVAL_RESULTS */
export async function pendingRequests(options: JudgeOptions): Promise<PendingRequest[]> {
  const { requests, replies } = await allRequests(options);
  return requests.filter((request) => !replies.has(keyOf(request)));
}

/**
 * Writes NAME/judge-requests.jsonl: { benchmark, part, id, model, messages, images, temperature, maxTokens, json, rule } per
 * line, `images` being paths beside it. A reply is { part, id, reply }.
 * @returns its path @throws ERR_WRITE, ERR_EVAL_DATA
 */
export async function writeRequests(
  { dir, benchmark, rules }: JudgeOptions,
  requests: readonly PendingRequest[],
  images?: JudgeImages,
): Promise<string> {
  const lines: string[] = [];
  for (const request of requests) {
    const { part, id, messages, maxTokens, json = false, rule, temperatures = [0] } = request;
    const paths = request.hasImages ? ((await images?.paths(part, request.sample)) ?? []) : [];
    const fields = { benchmark: benchmark.name, part, id, model: benchmark.judge!.model[rules] };
    const call = { messages, images: paths.map((path) => join('judge-images', basename(path))) };
    const options = { temperature: temperatures[0], maxTokens, json, rule };
    lines.push(`${JSON.stringify({ ...fields, ...call, ...options })}\n`);
  }
  const path = join(dir, benchmark.name, 'judge-requests.jsonl');
  await writeWhole(path, lines.join(''));
  return path;
}

/** Takes in replies that were got elsewhere; those of other benchmarks are passed over, and newer ones replace older.
 *  @returns how many, and how many lines belong to no request
 *  @throws ERR_EVAL_RESULTS for a line without part, id and reply; ERR_WRITE */
export async function importReplies(
  options: JudgeOptions,
  file: string,
): Promise<{ taken: number; unknown: number }> {
  let left = await readForeignReplies(options, file);
  let taken = 0;
  // A reply may bring up the request that another one in the file answers.
  for (;;) {
    const { requests, replies } = await allRequests(options);
    const keys = new Set(requests.map(keyOf));
    const own = left.filter((reply) => keys.has(keyOf(reply)));
    if (own.length === 0) return { taken, unknown: left.length };
    const news = own.filter((line) => replies.get(keyOf(line)) !== line.reply);
    await appendReplies(join(options.dir, options.benchmark.name), news);
    left = left.filter((reply) => !keys.has(keyOf(reply)));
    taken += own.length;
  }
}

async function readForeignReplies(
  { benchmark }: JudgeOptions,
  file: string,
): Promise<JudgeReply[]> {
  const found: JudgeReply[] = [];
  let number = 0;
  for await (const line of readJsonLines<Partial<JudgeReply> & { benchmark?: string }>(file)) {
    number++;
    const { part, id, reply, model } = line;
    if (typeof part !== 'string' || typeof id !== 'string' || typeof reply !== 'string')
      throw resultsError(`line ${number} of ${file}`, 'expected { part, id, reply }, all strings');
    if (line.benchmark === undefined || line.benchmark === benchmark.name)
      found.push({ part, id, reply, ...(typeof model === 'string' && { model }) });
  }
  if (number === 0) throw resultsError(file, 'there are no replies in it');
  return found;
}

export interface AskJudgeOptions extends JudgeOptions {
  api: ChatApiOptions;
  images?: JudgeImages;
  concurrency: number;
  signal: AbortSignal;
  onProgress?: (done: number, total: number) => void;
}

/** Asks until nothing is pending. @returns how many were asked @throws ERR_ENDPOINT, ERR_WRITE, signal.reason */
export async function askJudge(options: AskJudgeOptions): Promise<number> {
  const { dir, benchmark, concurrency, signal } = options;
  let asked = 0;
  for (;;) {
    const queue = await pendingRequests(options);
    if (queue.length === 0) return asked;
    const total = asked + queue.length;
    const worker = async () => {
      for (let next = queue.pop(); next; next = queue.pop()) {
        signal.throwIfAborted();
        const reply = await askOne(next, options);
        const { part, id } = next;
        const line = { part, id, reply, model: options.api.model };
        await appendReplies(join(dir, benchmark.name), [line]);
        asked++;
        options.onProgress?.(asked, total);
      }
    };
    queue.reverse();
    await Promise.all(Array.from({ length: concurrency }, worker));
  }
}

/** The attempts differ in temperature, so that a reply that cannot be read is not simply repeated. */
async function askOne(
  request: PendingRequest,
  { api, images, signal }: AskJudgeOptions,
): Promise<string> {
  const { messages, maxTokens, json, temperatures = [0], accepts } = request;
  const urls = request.hasImages ? ((await images?.urls(request.part, request.sample)) ?? []) : [];
  let reply = '';
  for (const temperature of temperatures) {
    const chat = {
      messages: withImages(messages, urls),
      temperature,
      max_tokens: maxTokens,
      ...(json && { response_format: { type: 'json_object' as const } }),
    };
    reply = (await chatCompletion(api, chat, signal)).text;
    if (accepts?.(reply) ?? true) break;
  }
  return reply;
}

function withImages(messages: JudgeRequest['messages'], urls: readonly string[]): unknown[] {
  if (urls.length === 0) return [...messages];
  const { role, content } = messages.at(-1)!;
  const pictures = urls.map((url) => ({ type: 'image_url', image_url: { url } }));
  return [
    ...messages.slice(0, -1),
    { role, content: [...pictures, { type: 'text', text: content }] },
  ];
}

async function readUnits({ dir, benchmark }: JudgeOptions): Promise<Answered[][]> {
  const answers = new Map<string, { answered: Answered; unitSize: number }>();
  for await (const record of readAnswers(answersPath(dir, benchmark.name)))
    if (record.answer === undefined) answers.delete(keyOf(record));
    else answers.set(keyOf(record), { answered: answeredOf(record), unitSize: record.unitSize });
  const units = groupBy(answers.values(), ({ answered }) => unitKey(answered));
  return [...units.values()]
    .filter((unit) => unit.length === unit[0]!.unitSize)
    .map((unit) => unit.map(({ answered }) => answered));
}

/** With the replies that they were made of. */
async function allRequests(
  options: JudgeOptions,
): Promise<{ requests: PendingRequest[]; replies: ReadonlyMap<string, string> }> {
  const { dir, benchmark, rules } = options;
  const { replies } = await readReplies(join(dir, benchmark.name));
  const requestsOf = (unit: Answered[]) => {
    const { part } = unit[0]!;
    const reply = (id: string) => replies.get(keyOf({ part, id }));
    const requests = benchmark.judge?.requests(unit, { rules, reply }) ?? [];
    return requests.map((request) => ({ ...request, part, sample: sampleOf(request, unit) }));
  };
  return { requests: (await readUnits(options)).flatMap(requestsOf), replies };
}

function sampleOf({ id }: JudgeRequest, unit: readonly Answered[]): string {
  const own = unit.find((answered) => id === answered.id || id.startsWith(`${answered.id}#`));
  return (own ?? unit[0]!).id;
}

async function appendReplies(folder: string, replies: readonly JudgeReply[]): Promise<void> {
  const path = repliesPath(folder);
  const lines = replies.map((reply) => `${JSON.stringify(reply)}\n`).join('');
  try {
    await makeFolder(folder);
    await appendFile(path, lines);
  } catch (cause) {
    const message = `Cannot write ${path}: ${(cause as Error).message}`;
    throw new LlavaError('ERR_WRITE', message, { path }, { cause });
  }
}
