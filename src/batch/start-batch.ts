/** A batch as `model.batch` gets it: its arguments checked, nothing begun. */
import type { Items } from '../at-once.js';
import type { Engine } from '../chat/engine.js';
import { invalidArgument } from '../errors.js';
import { type Ask, Batch } from './batch.js';
import { type BatchOptions, resolveBatchOptions } from './batch-options.js';
import { BatchStream } from './batch-stream.js';
import type { BatchItem } from './item.js';

export interface BatchHost {
  engine: Engine;
  maxSequences: number;
  ask: Ask;
}

/** @throws ERR_INVALID_ARGUMENT, ERR_SCHEMA */
export function startBatch<P>(
  items: Items<string | BatchItem>,
  options: BatchOptions | undefined,
  { engine, maxSequences, ask }: BatchHost,
): BatchStream<P> {
  const given: unknown = items;
  const isList = typeof given === 'object' && given !== null;
  if (!isList || !(Symbol.iterator in given || Symbol.asyncIterator in given))
    throw invalidArgument('items', 'an array or another iterable of items', items);
  return new BatchStream(new Batch(items, resolveBatchOptions(options, engine, maxSequences), ask));
}
