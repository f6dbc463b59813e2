// A bot for a chat service: one conversation a channel, kept in files, so that it goes on after a restart. With discord.js:
//
//   const bot = new Bot(model, 'sessions');
//   client.on('messageCreate', async (message) => {
//     if (message.author.bot) return;
//     const images = message.attachments.map(({ url }) => url);
//     await message.reply(await bot.answer(message.channelId, message.content, images));
//   });
import { mkdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { LlavaError, type LlavaOneVision, type Part, type Session } from 'llava-onevision';

export class Bot {
  readonly #model: LlavaOneVision;
  readonly #folder: string;
  readonly #sessions = new Map<string, Promise<Session>>();
  readonly #last = new Map<string, Promise<unknown>>();

  constructor(model: LlavaOneVision, folder: string) {
    this.#model = model;
    this.#folder = folder;
  }

  /** Answers of a channel wait for each other, those of different channels do not. */
  answer(channel: string, text: string, images: readonly string[] = []): Promise<string> {
    const before = this.#last.get(channel) ?? Promise.resolve();
    const answer = before.catch(() => {}).then(() => this.#ask(channel, text, images));
    this.#last.set(channel, answer);
    return answer;
  }

  async #ask(channel: string, text: string, images: readonly string[]): Promise<string> {
    const file = join(this.#folder, `${encodeURIComponent(channel)}.session`);
    const opened = this.#sessions.get(channel) ?? this.#open(file);
    this.#sessions.set(channel, opened);
    const session = await opened;
    const content: Part[] = images.map((image) => ({ type: 'image', image }));
    content.push({ type: 'text', text });
    const ask = () => session.chat(content, { maxTokens: 300 }).result;
    const { text: answer } = await ask().catch((error) => {
      if (!(error instanceof LlavaError) || error.code !== 'ERR_CONTEXT_FULL') throw error;
      session.clear(); // too long a conversation: it begins anew
      return ask();
    });
    await mkdir(this.#folder, { recursive: true });
    await session.save(file);
    return answer;
  }

  async #open(file: string): Promise<Session> {
    const isThere = await stat(file).then(
      () => true,
      () => false,
    );
    return isThere ? this.#model.loadSession(file) : this.#model.session();
  }
}
