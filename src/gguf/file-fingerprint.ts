import { createHash } from 'node:crypto';
import { withFile } from '../files/with-file.js';
import { modelLoadError } from './reader.js';

const SAMPLES = 64;
const SAMPLE_BYTES = 16 << 10;

/**
 * Hex that tells model files apart without reading gigabytes: a hash of the size, the header and samples of all
 * parts of the file. Retraining, requantising or converting again with other options changes all of them.
 * @throws ERR_MODEL_LOAD
 */
export async function fileFingerprint(path: string): Promise<string> {
  try {
    return await withFile(path, 'r', async (file) => {
      const { size } = await file.stat();
      const hash = createHash('sha256').update(`${size}\n`);
      const buffer = Buffer.alloc(SAMPLE_BYTES);
      for (let i = 0; i < SAMPLES; i++) {
        const position = Math.floor((i * Math.max(0, size - SAMPLE_BYTES)) / (SAMPLES - 1));
        const { bytesRead } = await file.read(buffer, 0, SAMPLE_BYTES, position);
        hash.update(buffer.subarray(0, bytesRead));
      }
      return hash.digest('hex');
    });
  } catch (cause) {
    throw modelLoadError(path, (cause as Error).message);
  }
}
