/**
 * A session as one file, complete but for clips in files, which it names by path:
 *   'LLAVAOVS', version u32, length of the header u32, sha256 of the header; the header, JSON; pictures and cache, back to back
 * Everything that is read is checked by its hash first.
 */
import { createHash, randomUUID } from 'node:crypto';
import { type FileHandle, open, rename, rm } from 'node:fs/promises';
import { resolve } from 'node:path';
import { LlavaError } from '../errors.js';
import type { Message } from '../prompt/messages.js';
import type { MultiImage } from '../vision/image-plan.js';
import type { KvState } from './kv-state.js';
import { packSession, type SessionHeader, unpackSession } from './session-header.js';

export interface SavedSession {
  messages: Message[];
  multiImage: MultiImage | undefined;
  /** What the cache holds of it, and of which model and cache types. */
  kv: (KvState & { format: string }) | null;
}

const MAGIC = 'LLAVAOVS';
const VERSION = 1;
const PREFIX_BYTES = 8 + 4 + 4 + 32;
const MAX_HEADER_BYTES = 2 ** 28;
/** One call reads and writes less than 2 GiB. */
const MAX_IO_BYTES = 2 ** 30;

/** Under another name first, so that nobody reads half a file. @throws ERR_WRITE */
export async function writeSession(path: string, session: SavedSession): Promise<void> {
  const { header, blobs } = packSession(session);
  const json = Buffer.from(JSON.stringify(header));
  const prefix = Buffer.alloc(PREFIX_BYTES);
  prefix.write(MAGIC, 'latin1');
  prefix.writeUInt32LE(VERSION, 8);
  prefix.writeUInt32LE(json.length, 12);
  sha256(json).copy(prefix, 16);
  const temporary = `${path}.${randomUUID()}.tmp`;
  try {
    await using file = await open(temporary, 'wx');
    for (const bytes of [prefix, json, ...blobs]) await writeAll(file, bytes);
    await file.sync();
    await rename(temporary, path);
  } catch (cause) {
    await rm(temporary, { force: true });
    const message = `Cannot save the session to ${path}: ${(cause as Error).message}`;
    throw new LlavaError('ERR_WRITE', message, { path: resolve(path) }, { cause });
  }
}

/** @throws ERR_SESSION_FILE */
export async function readSession(path: string): Promise<SavedSession> {
  try {
    await using file = await open(path);
    const { header, end } = await readHeader(file);
    const blobs: Uint8Array[] = [];
    let position = end;
    for (const { bytes, hash } of header.blobs) {
      const blob = await readAt(file, position, bytes);
      if (sha256(blob).toString('hex') !== hash) throw new Error('a part of it is damaged');
      blobs.push(blob);
      position += bytes;
    }
    return unpackSession(header, blobs);
  } catch (cause) {
    const message = `Cannot load the session ${path}: ${(cause as Error).message}`;
    throw new LlavaError('ERR_SESSION_FILE', message, { path: resolve(path) }, { cause });
  }
}

async function readHeader(file: FileHandle): Promise<{ header: SessionHeader; end: number }> {
  const prefix = Buffer.from((await readAt(file, 0, PREFIX_BYTES)).buffer);
  if (prefix.toString('latin1', 0, 8) !== MAGIC) throw new Error('it is no session file');
  const version = prefix.readUInt32LE(8);
  if (version !== VERSION)
    throw new Error(`it has version ${version}, but only version ${VERSION} can be read`);
  const length = prefix.readUInt32LE(12);
  if (length > MAX_HEADER_BYTES) throw new Error('its header is damaged');
  const json = await readAt(file, PREFIX_BYTES, length);
  if (!sha256(json).equals(prefix.subarray(16))) throw new Error('its header is damaged');
  const end = PREFIX_BYTES + length;
  const header = JSON.parse(new TextDecoder().decode(json)) as SessionHeader;
  const { size } = await file.stat();
  const expected = header.blobs.reduce((sum, { bytes }) => sum + bytes, end);
  if (size !== expected) throw new Error(`it has ${size} bytes instead of ${expected}`);
  return { header, end };
}

async function readAt(
  file: FileHandle,
  position: number,
  length: number,
): Promise<Uint8Array<ArrayBuffer>> {
  const { size } = await file.stat();
  if (position + length > size) throw new Error('it is cut short');
  const bytes = new Uint8Array(length);
  for (let done = 0; done < length; ) {
    const most = Math.min(MAX_IO_BYTES, length - done);
    const { bytesRead } = await file.read(bytes, done, most, position + done);
    if (bytesRead === 0) throw new Error('it is cut short');
    done += bytesRead;
  }
  return bytes;
}

async function writeAll(file: FileHandle, bytes: Uint8Array): Promise<void> {
  for (let done = 0; done < bytes.length; ) {
    const most = Math.min(MAX_IO_BYTES, bytes.length - done);
    done += (await file.write(bytes, done, most)).bytesWritten;
  }
}

function sha256(bytes: Uint8Array): Buffer {
  return createHash('sha256').update(bytes).digest();
}
