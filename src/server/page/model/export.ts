/** Conversations to a file: everything as JSON that can be read in again, or the shown branch of one as Markdown to read. */
import { toBase64 } from './base64.js';
import { fenceAfter, linesOf } from './fence.js';
import { FORMAT, VERSION } from './format.js';
import type { Store } from './store-contract.js';
import { branch } from './tree.js';
import type { Conversation, Id, Media, Turn } from './types.js';

/** Written piece by piece: media as one text could be longer than texts may be. */
export async function exportJson(store: Store, ids: readonly Id[]): Promise<Blob> {
  const pieces: (string | Blob)[] = [
    `{"format":"${FORMAT}","version":${VERSION},"conversations":[`,
  ];
  const media = new Set<Id>();
  let separator = '';
  for (const conversation of await chosen(store, ids)) {
    const turns = await store.turns(conversation.id);
    for (const turn of turns) for (const { id } of turn.media) media.add(id);
    pieces.push(separator, JSON.stringify({ ...conversation, turns }));
    separator = ',\n';
  }
  pieces.push('],"media":{');
  separator = '';
  for (const id of media) {
    const blob = await store.media(id);
    if (!blob) continue;
    pieces.push(`${separator}${JSON.stringify(id)}:"`, await toBase64(blob), '"');
    separator = ',\n';
  }
  return new Blob([...pieces, '}}\n'], { type: 'application/json' });
}

export async function exportMarkdown(store: Store, id: Id): Promise<Blob> {
  const [conversation] = await chosen(store, [id]);
  if (!conversation) return new Blob([], { type: 'text/markdown' });
  const line = branch(await store.turns(id), conversation.leaf);
  const parts = [`# ${plain(conversation.title)}`];
  const { system } = conversation.settings;
  if (system !== '') parts.push('## System', closed(system));
  for (const turn of line) parts.push(...partsOf(turn));
  return new Blob([parts.join('\n\n'), '\n'], { type: 'text/markdown' });
}

async function chosen(store: Store, ids: readonly Id[]): Promise<Conversation[]> {
  const wanted = new Set(ids);
  return (await store.conversations()).filter(({ id }) => wanted.has(id));
}

function partsOf({ role, model, media, text, isJson }: Turn): string[] {
  const head = role === 'user' ? '## User' : `## ${plain(model ?? 'Assistant')}`;
  const named = media.map(({ kind, name }: Media) => `- ${kind}: ${plain(name)}`);
  const body = isJson ? fenced(text, 'json') : closed(text);
  return [head, named.join('\n'), body].filter((part) => part !== '');
}

/** One line that no mark of Markdown changes. */
function plain(text: string): string {
  return text.replace(/\s+/g, ' ').replace(/[\\`*_{}[\]<>()#+\-!|~$]/g, '\\$&');
}

function fenced(text: string, language: string): string {
  const longest = Math.max(2, ...[...text.matchAll(/`+/g)].map(([run]) => run.length));
  const fence = '`'.repeat(longest + 1);
  return `${fence}${language}\n${text}\n${fence}`;
}

/** As it is, but for a fence that would take in what follows. */
function closed(text: string): string {
  const open = linesOf(text).reduce(fenceAfter, '');
  return open === '' ? text : `${text}\n${open}`;
}
