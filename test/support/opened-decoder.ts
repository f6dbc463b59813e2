/** A tiny decoder that is open while the tests of a file run. */
import { join } from 'node:path';
import { afterAll, beforeAll } from 'vitest';
import {
  type OpenDecoder,
  openDecoder,
  temporaryFolder,
  writeTinyDecoder,
} from './tiny-decoder.js';

export interface OpenedDecoder {
  folder: string;
  /** The decoder's file in it. */
  path: string;
  decoder: OpenDecoder;
}

/** To be called once in a test file. */
export function openedDecoder(): OpenedDecoder {
  const { path: folder, remove } = temporaryFolder();
  const path = join(folder, 'tiny.gguf');
  const opened = { folder, path, decoder: undefined as unknown as OpenDecoder };
  beforeAll(async () => {
    await writeTinyDecoder(path);
    opened.decoder = await openDecoder(path);
  });
  afterAll(async () => {
    await opened.decoder.dispose();
    remove();
  });
  return opened;
}
