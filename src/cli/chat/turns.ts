/** What each line of a conversation does: a question, or a command that begins with a slash. */
import { basename } from 'node:path';
import { LlavaError } from '../../errors.js';
import type { ChatOptions, ChatResult, LlavaOneVision, Part, Session } from '../../index.js';
import { DEFAULT_MAX_PIXELS, openImage } from '../../media/image.js';
import { schemaFormat } from '../shared/format-flags.js';
import { createProgress } from '../shared/progress.js';
import type { SamplingFlags } from '../shared/sampling-flags.js';
import { describeStats } from '../shared/stats.js';
import { COMMANDS, expandPath, HELP, splitCommand } from './commands.js';
import { previewLines } from './preview.js';

export class ChatTurns {
  hasLeft = false;
  /** A turn or a command came to nothing. */
  hasFailed = false;
  readonly #model: LlavaOneVision;
  readonly #sampling: SamplingFlags;
  readonly #maxPixels: number;
  #session: Session;
  /** Pictures and clips that go with the next question. */
  #pending: Part[] = [];
  /** The shape of the answers. */
  #format: Pick<ChatOptions, 'responseFormat'> = {};
  #last: ChatResult | undefined;
  #running: AbortController | undefined;

  constructor(
    model: LlavaOneVision,
    session: Session,
    { sampling, maxPixels = DEFAULT_MAX_PIXELS }: { sampling: SamplingFlags; maxPixels?: number },
  ) {
    this.#model = model;
    this.#session = session;
    this.#sampling = sampling;
    this.#maxPixels = maxPixels;
  }

  greet(): void {
    const { description, contextSize } = this.#model.info;
    notice(`${description}, ${contextSize} positions. /help lists the commands.`);
  }

  /** Stops the turn under way; false when there is none. */
  stop(): boolean {
    const running = this.#running;
    running?.abort();
    return running !== undefined;
  }

  /** Never throws: what goes wrong is told, and the conversation goes on. */
  async take(line: string): Promise<void> {
    const { command, text } = splitCommand(line);
    if (command === undefined && text === '') return;
    await this.#run((signal) =>
      command === undefined ? this.#ask(text, signal) : this.#command(command, text, signal),
    );
  }

  /** A picture or clip for the first question. Never throws, as `take`. */
  async attach(type: 'image' | 'video', file: string): Promise<void> {
    await this.#run(async (signal) =>
      type === 'image' ? this.#addImage(file, signal) : this.#add({ type, video: file }, file),
    );
  }

  async #run(work: (signal: AbortSignal) => Promise<void>): Promise<void> {
    const running = new AbortController();
    this.#running = running;
    try {
      await work(running.signal);
    } catch (error) {
      if (running.signal.aborted) return;
      this.hasFailed = true;
      notice(error instanceof LlavaError ? error.message : String((error as Error).stack ?? error));
    } finally {
      this.#running = undefined;
    }
  }

  async #ask(text: string, signal: AbortSignal): Promise<void> {
    const content: Part[] = [...this.#pending, { type: 'text', text }];
    const looking = createProgress('Looking');
    let isLineOpen = false;
    try {
      const stream = this.#session.chat(content, {
        ...this.#sampling,
        ...this.#format,
        signal,
        onProgress: ({ stage, done, total }) =>
          looking.update(done / total, stage === 'encode' ? `tile ${done} of ${total}` : 'prompt'),
      });
      for await (const chunk of stream) {
        looking.stop();
        process.stdout.write(chunk.text);
        isLineOpen = true;
      }
      this.#last = await stream.result;
      this.#pending = [];
    } finally {
      looking.stop();
      if (isLineOpen) process.stdout.write('\n');
    }
  }

  async #command(name: string, argument: string, signal: AbortSignal): Promise<void> {
    const known = COMMANDS.find((command) => command.name === name);
    if (!known) return this.#refuse(`There is no /${name}; /help lists the commands.`);
    if (known.needs && argument === '') return this.#refuse(`/${name} needs ${known.needs}.`);
    switch (known.name) {
      case 'image':
        return this.#addImage(expandPath(argument), signal);
      case 'video':
        return this.#add({ type: 'video', video: expandPath(argument) }, argument);
      case 'system':
        return this.#setSystem(argument);
      case 'clear':
        this.#pending = [];
        return this.#session.clear();
      case 'save':
        await this.#session.save(expandPath(argument), { signal });
        return notice(`Saved ${argument}.`);
      case 'load':
        return this.#load(expandPath(argument), signal);
      case 'schema':
        return this.#setSchema(argument && expandPath(argument), signal);
      case 'stats':
        return notice(this.#last ? describeStats(this.#last).trimEnd() : 'Nothing was asked yet.');
      case 'help':
        return notice(HELP);
      case 'exit':
        this.hasLeft = true;
    }
  }

  async #setSchema(file: string, signal: AbortSignal): Promise<void> {
    if (file === '') {
      this.#format = {};
      return notice('Answers are free.');
    }
    const responseFormat = await schemaFormat(file, signal);
    this.#format = { responseFormat };
    notice(`Answers keep ${file}.`);
  }

  #refuse(message: string): void {
    this.hasFailed = true;
    notice(message);
  }

  async #addImage(image: string, signal: AbortSignal): Promise<void> {
    const options = { maxPixels: this.#maxPixels, autoOrient: true, signal };
    const opened = await openImage(image, options);
    for (const line of await previewLines(opened, process.stderr))
      process.stderr.write(`${line}\n`);
    this.#add({ type: 'image', image }, `${basename(image)}, ${opened.width}×${opened.height}`);
  }

  #add(part: Part, label: string): void {
    this.#pending.push(part);
    notice(`${label}: goes with the next question.`);
  }

  async #setSystem(text: string): Promise<void> {
    const said = this.#session.messages.filter(({ role }) => role !== 'system');
    await this.#replace(this.#model.session({ messages: said, ...(text ? { system: text } : {}) }));
  }

  async #load(path: string, signal: AbortSignal): Promise<void> {
    const session = await this.#model.loadSession(path, { signal });
    const nTurns = session.messages.filter(({ role }) => role === 'user').length;
    await this.#replace(session);
    const how = session.isRestored ? 'ready to go on' : 'to be computed again at the next question';
    notice(`${nTurns} question${nTurns === 1 ? '' : 's'}, ${how}.`);
  }

  async #replace(session: Session): Promise<void> {
    await this.#session.dispose();
    this.#session = session;
  }
}

/** Beside the answers, which alone go to stdout. */
function notice(text: string): void {
  process.stderr.write(`${text}\n`);
}
