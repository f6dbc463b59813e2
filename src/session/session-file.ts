/**
 * A session as one file, complete but for clips in files, which it names by path:
 *   'LLAVAOVS', version u32, length of the header u32, sha256 of the header; the header, JSON; pictures and cache, back to back
 * Everything that is read is checked by its hash first.
 */
import type { FileHandle } from 'node:fs/promises';
import { resolve } from 'node:path';
import { LlavaError } from '../errors.js';
import { sha256 } from '../files/sliced-hash.js';
import { writeWhole } from '../files/whole-file.js';
import { withFile } from '../files/with-file.js';
import {
  checkHeader,
  packSession,
  type SavedSession,
  type SessionHeader,
  unpackSession,
} from './session-header.js';

const MAGIC = 'LLAVAOVS';
const VERSION = 1;
const PREFIX_BYTES = 8 + 4 + 4 + 32;
/** What is said in many times the longest context; parsed, a hundred times as much memory at most. */
const MAX_HEADER_BYTES = 2 ** 24;
/** One call reads less than 2 GiB. */
const MAX_IO_BYTES = 2 ** 30;

/** @throws ERR_WRITE */
export async function writeSession(path: string, session: SavedSession): Promise<void> {
  const { header, blobs } = await packSession(session);
  const json = Buffer.from(JSON.stringify(header));
  const prefix = Buffer.alloc(PREFIX_BYTES);
  prefix.write(MAGIC, 'latin1');
  prefix.writeUInt32LE(VERSION, 8);
  prefix.writeUInt32LE(json.length, 12);
  (await sha256(json)).copy(prefix, 16);
  await writeWhole(resolve(path), prefix, json, ...blobs);
}

/** @throws ERR_SESSION_FILE */
export async function readSession(path: string): Promise<SavedSession> {
  try {
    return await withFile(path, 'r', async (file) => {
      const { header, end } = await readHeader(file);
      const blobs: Uint8Array[] = [];
      let position = end;
      for (const { bytes, hash } of header.blobs) {
        const blob = await readAt(file, position, bytes);
        if ((await sha256(blob)).toString('hex') !== hash)
          throw new Error('a part of it is damaged');
        blobs.push(blob);
        position += bytes;
      }
      return unpackSession(header, blobs);
    });
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
  if (!(await sha256(json)).equals(prefix.subarray(16))) throw new Error('its header is damaged');
  const end = PREFIX_BYTES + length;
  const header = checkHeader(JSON.parse(new TextDecoder().decode(json)));
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
