/**
 * A file of conversations into the store. It may be anybody's: every value is checked, what is not known is left out, and ids are made
 * anew, so that nothing that is kept is written over. All of it, or nothing.
 */
import { fromBase64 } from './base64.js';
import { checkConversation } from './check-turns.js';
import { BadImport, Checked } from './checked.js';
import { FORMAT, VERSION } from './format.js';
import { fromMarkdown } from './from-markdown.js';
import { newId } from './new-id.js';
import type { Store } from './store-contract.js';
import { newestLeaf } from './tree.js';
import type { Conversation, Id, Turn } from './types.js';

/** Browsers have no longer texts. */
const MAX_BYTES = 400 * 2 ** 20;
const MAX_CONVERSATIONS = 100_000;

interface Read {
  conversation: Conversation;
  turns: Turn[];
}

/** @throws BadImport with words @throws StorageFull */
export async function importJson(store: Store, file: Blob): Promise<Conversation[]> {
  return importWhole(store, parsed(await textOf(file)));
}

/** @throws BadImport with words @throws StorageFull */
export async function importMarkdown(store: Store, file: Blob): Promise<Conversation[]> {
  return importWhole(store, fromMarkdown(await textOf(file)));
}

async function importWhole(store: Store, value: unknown): Promise<Conversation[]> {
  const whole = new Checked(value);
  if (whole.field('format').isAbsent || whole.field('format').text(100) !== FORMAT)
    throw new BadImport('This is no file of exported conversations.');
  if (whole.field('version').number(1, Number.MAX_SAFE_INTEGER) > VERSION)
    throw new BadImport('The file is of a newer version of this page.');
  const given = whole.field('conversations').list(MAX_CONVERSATIONS);
  const ids = new Map<Id, Id>();
  const read = given.map((one, i) => renamed(checkConversation(one), ids, `conversations[${i}]`));
  const media = await mediaOf(whole, read, ids);
  await keep(store, read, media);
  return read.map(({ conversation }) => conversation);
}

async function textOf(file: Blob): Promise<string> {
  if (file.size > MAX_BYTES)
    throw new BadImport(
      `The file has ${Math.ceil(file.size / 2 ** 20)} MB; at most ${MAX_BYTES / 2 ** 20} can be read in.`,
    );
  return file.text();
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new BadImport('The file is not JSON.', { cause });
  }
}

/** With ids of this page. @param media ids of the file to those here, added to */
function renamed({ conversation, turns }: Read, media: Map<Id, Id>, place: string): Read {
  const ids = new Map(turns.map(({ id }) => [id, newId()]));
  if (ids.size < turns.length) throw new BadImport(`${place} has two turns of the same id.`);
  const known = (id: Id | null) => {
    const found = id === null ? null : ids.get(id);
    if (found === undefined) throw new BadImport(`${place} names a turn that is not in it.`);
    return found;
  };
  const id = newId();
  const own = turns.map((turn) => ({
    ...turn,
    id: known(turn.id)!,
    parent: known(turn.parent),
    conversation: id,
    media: turn.media.map((one) => ({ ...one, id: renameMedium(one.id, media) })),
  }));
  checkRoots(own, place);
  const leaf = known(conversation.leaf) ?? (own[0] ? newestLeaf(own, own[0].id) : null);
  return { conversation: { ...conversation, id, leaf }, turns: own };
}

function renameMedium(id: Id, media: Map<Id, Id>): Id {
  const known = media.get(id) ?? newId();
  media.set(id, known);
  return known;
}

/** Every turn comes from a first one. */
function checkRoots(turns: readonly Turn[], place: string): void {
  const reached = new Set<Id | null>([null]);
  const byId = new Map(turns.map((turn) => [turn.id, turn]));
  for (const turn of turns) {
    const path = new Set<Id>();
    for (
      let at: Turn | undefined = turn;
      at && !reached.has(at.id);
      at = byId.get(at.parent ?? '')
    ) {
      if (path.has(at.id))
        throw new BadImport(`${place} has turns that follow each other in a circle.`);
      path.add(at.id);
    }
    for (const id of path) reached.add(id);
  }
}

/** By the ids that they have here, those alone that a turn names. */
async function mediaOf(
  whole: Checked,
  read: readonly Read[],
  ids: Map<Id, Id>,
): Promise<Map<Id, Blob>> {
  const types = new Map<Id, string>();
  for (const { turns } of read)
    for (const turn of turns) for (const { id, type } of turn.media) types.set(id, type);
  const blobs = new Map<Id, Blob>();
  for (const [theirs, ours] of ids) {
    const data = whole.field('media').field(theirs);
    // A file without a picture that was lost before.
    if (data.isAbsent) continue;
    const bytes = await fromBase64(data.text(MAX_BYTES));
    if (!bytes) throw data.wrong('base64');
    blobs.set(ours, new Blob(bytes, { type: types.get(ours)! }));
  }
  return blobs;
}

/** Turns before their media, so that what is taken back takes all with it. */
async function keep(store: Store, read: readonly Read[], media: Map<Id, Blob>): Promise<void> {
  const kept: Id[] = [];
  try {
    for (const { conversation, turns } of read) {
      const used = turns.flatMap((turn) => turn.media);
      for (const one of used) one.bytes = media.get(one.id)?.size ?? one.bytes;
      kept.push(conversation.id);
      await store.put(conversation, ...turns);
      for (const one of new Map(used.map((one) => [one.id, one])).values()) {
        const blob = media.get(one.id);
        if (blob) await store.addMedia(blob, one);
      }
    }
  } catch (error) {
    for (const id of kept) await store.remove(id).catch(() => {});
    throw error;
  }
}
