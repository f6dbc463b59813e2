/** The bytes of an encoded picture, from wherever source.ts may read one. */
import { readWhole } from '../files/read-whole.js';
import { IMAGE, refusal } from './media-kind.js';
import { type MediaLocation, type OpenedSource, openSource, type SourceOptions } from './source.js';

export interface EncodedImage {
  bytes: Uint8Array;
  label: string;
}

/** @throws ERR_IMAGE_DECODE; an abort while downloading or reading rejects with `signal.reason` */
export async function readImageBytes(
  source: MediaLocation,
  options: SourceOptions = {},
): Promise<EncodedImage> {
  const opened = await openSource(source, IMAGE, options);
  const { label } = opened;
  const bytes = await readAll(opened, options.signal);
  if (bytes.length === 0) throw refusal(label, IMAGE)('it is empty');
  return { bytes, label };
}

async function readAll(source: OpenedSource, signal?: AbortSignal): Promise<Uint8Array> {
  switch (source.from) {
    case 'memory':
      return source.bytes;
    case 'network': {
      const chunks: Uint8Array[] = [];
      for await (const chunk of source.chunks) chunks.push(chunk);
      return Buffer.concat(chunks);
    }
    case 'file':
      return readWhole(source.path, { maxBytes: IMAGE.maxFileBytes, signal }).catch(
        (cause: Error) => {
          signal?.throwIfAborted();
          throw refusal(source.label, IMAGE)(cause.message, cause);
        },
      );
  }
}
