/**
 * The page's state without a browser: a store in memory, a client that answers as the test says. Has to be imported before anything of
 * the page that reads the language or the address.
 */
import { vi } from 'vitest';
import { MemoryStore } from '../../../../src/server/page/model/memory-store.js';
import type { Seen } from '../../../../src/server/page/model/types.js';
import type { ChatNews, Client } from '../../../../src/server/page/wire/client.js';
import type { ChatRequestBody } from '../../../../src/server/page/wire/to-request.js';

vi.stubGlobal('navigator', { languages: ['en'] });
vi.stubGlobal('document', { documentElement: {} });
vi.stubGlobal('location', { hash: '', pathname: '/', search: '' });
vi.stubGlobal('history', { pushState: () => {}, replaceState: () => {} });
vi.stubGlobal('addEventListener', () => {});

export const seen: Seen = {
  media: [],
  usage: { promptTokens: 3, imageTokens: 0, cachedTokens: 0, completionTokens: 2 },
  timings: { total_ms: 5 },
};

export const said = (...texts: string[]): ChatNews[] => [
  ...texts.map((text): ChatNews => ({ kind: 'text', text })),
  { kind: 'end', reason: 'stop', seen },
];

/** Every chat takes the next of `answers`: its news, or what it fails with after them; 'hangs' waits for the abort. */
export class ToldClient {
  key: string | undefined;
  readonly asked: ChatRequestBody[] = [];
  answers: (ChatNews | Error | 'hangs')[][] = [];

  async isReady(): Promise<boolean> {
    return true;
  }

  async models() {
    return [{ id: 'demo-f16' }];
  }

  async *chat(body: ChatRequestBody, signal: AbortSignal): AsyncGenerator<ChatNews> {
    this.asked.push(body);
    for (const news of this.answers.shift() ?? []) {
      if (news instanceof Error) throw news;
      if (news === 'hangs')
        await new Promise((_, reject) => signal.addEventListener('abort', reject));
      else yield news;
    }
  }
}

export async function page() {
  const { parts } = await import('../../../../src/server/page/model/state.js');
  const { link, models } = await import('../../../../src/server/page/model/link.js');
  const store = new MemoryStore();
  const client = new ToldClient();
  Object.assign(parts, { store, client: client as unknown as Client });
  link.value = 'up';
  models.value = await client.models();
  return { store, client };
}
