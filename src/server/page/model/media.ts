/**
 * Pictures and clips as blobs. One that is not sent yet, or for which the browser has no room, is held in memory; all others come
 * from the store. A URL for showing one is made when the first asks for it and revoked some seconds after the last let it go.
 */
import { newId } from './new-id.js';
import { kept, parts } from './state.js';
import type { Id, Media } from './types.js';

const inMemory = new Map<Id, Blob>();

export function hold(file: Blob, name: string): Media {
  const id = newId();
  inMemory.set(id, file);
  const kind = file.type.startsWith('video/') ? 'video' : 'image';
  return { id, kind, name, type: file.type, bytes: file.size };
}

/** Nobody sends it. */
export function drop(id: Id): void {
  inMemory.delete(id);
}

export async function blobOf(id: Id): Promise<Blob | undefined> {
  return inMemory.get(id) ?? (await parts.store.media(id));
}

/** What stays in memory where there is no room can still be sent and seen. */
export async function keepMedia(media: readonly Media[]): Promise<void> {
  for (const one of media) {
    const blob = inMemory.get(one.id);
    if (blob && (await kept(() => parts.store.addMedia(blob, one)))) inMemory.delete(one.id);
  }
}

const REVOKE_AFTER_MS = 5000;
const urls = new Map<Id, { url: Promise<string | undefined>; users: number }>();

/** Undefined: it is not kept any more. Every call needs its `releaseUrl`. */
export function urlOf(id: Id): Promise<string | undefined> {
  let entry = urls.get(id);
  if (!entry) {
    const url = blobOf(id).then((blob) => blob && URL.createObjectURL(blob));
    entry = { url, users: 0 };
    urls.set(id, entry);
  }
  entry.users += 1;
  return entry.url;
}

export function releaseUrl(id: Id): void {
  const entry = urls.get(id);
  if (!entry) return;
  entry.users -= 1;
  setTimeout(() => {
    if (entry.users > 0 || urls.get(id) !== entry) return;
    urls.delete(id);
    entry.url.then((url) => url && URL.revokeObjectURL(url)).catch(() => {});
  }, REVOKE_AFTER_MS);
}
