/**
 * One SHA-256 for the weights that files were made of, whatever their layout, names and shards: of the lines
 * `NAME TYPE SHAPE SHA256\n`, one for each tensor that was read, sorted. Name and shape are those of the GGUF file (without padding),
 * the type is the checkpoint's, the last hash is that of the tensor's bytes. Computed from what streams by.
 *
 * The digest is known when all is written but belongs in the header: there it is 64 zeros at first.
 */
import { createHash, type Hash } from 'node:crypto';
import { updateInSlices } from '../files/sliced-hash.js';
import { withFile } from '../files/with-file.js';
import type { GgufEntry, GgufPlan, PlannedTensor } from './gguf-plan.js';

export const SOURCE_DIGEST = 'general.source.sha256';
const UNKNOWN = '0'.repeat(64);
/** It is among the first keys. */
const SEARCHED_BYTES = 16 << 10;

/** To be planned near the beginning of a file that is made from a checkpoint. */
export const UNKNOWN_DIGEST: Readonly<GgufEntry> = {
  key: SOURCE_DIGEST,
  type: 'string',
  value: UNKNOWN,
};

export class SourceDigest {
  readonly #earlier: readonly string[];
  readonly #hashes = new Map<PlannedTensor, Hash>();

  /** @param earlier lines of another digest, which this one goes on with */
  constructor(earlier: readonly string[] = []) {
    this.#earlier = earlier;
  }

  /** One at a time. @param stored the next bytes of the tensor's source */
  async add(tensor: PlannedTensor, stored: Uint8Array): Promise<void> {
    const hash = this.#hashes.get(tensor) ?? createHash('sha256');
    this.#hashes.set(tensor, hash);
    await updateInSlices(hash, stored);
  }

  /** Of what was added; nothing can be added afterwards. */
  lines(): string[] {
    const lines = [...this.#hashes].map(([{ name, source }, hash]) => {
      const shape = source.shape.join('x');
      return `${name} ${source.type} ${shape} ${hash.digest('hex')}\n`;
    });
    return [...this.#earlier, ...lines];
  }

  /** In hex; nothing can be added afterwards. */
  finish(): string {
    return createHash('sha256').update(this.lines().sort().join('')).digest('hex');
  }
}

export function needsDigest({ entries }: GgufPlan): boolean {
  return entries.some(({ key, value }) => key === SOURCE_DIGEST && value === UNKNOWN);
}

/** Puts the digest where the zeros are, into a plan. */
export function planDigest(plan: GgufPlan, digest: string): void {
  plan.entries = plan.entries.map((entry) =>
    entry.key === SOURCE_DIGEST ? { key: SOURCE_DIGEST, type: 'string', value: digest } : entry,
  );
}

/** Also into the file that was written by it. */
export async function setDigest(path: string, plan: GgufPlan, digest: string): Promise<void> {
  await withFile(path, 'r+', async (file) => {
    const head = Buffer.alloc(SEARCHED_BYTES);
    const { bytesRead } = await file.read(head, 0, SEARCHED_BYTES, 0);
    // The key, its type (u32), the value's length (u64), the value.
    const at = head.subarray(0, bytesRead).indexOf(SOURCE_DIGEST) + SOURCE_DIGEST.length + 12;
    if (head.toString('latin1', at, at + UNKNOWN.length) !== UNKNOWN)
      throw new Error(`${path} has no room for '${SOURCE_DIGEST}'`);
    await file.write(digest, at, 'latin1');
    await file.datasync();
  });
  planDigest(plan, digest);
}
