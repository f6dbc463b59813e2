/** Whether the head is the embedding matrix, from what the configuration states and what is stored. */
import { checkpointError } from './checkpoint-error.js';
import { type JsonFile, jsonBoolean } from './json-file.js';

const FIELD = 'tie_word_embeddings';

/**
 * @param sections each may state it, and one that says so is enough. Where none does, a missing head tells.
 * @throws ERR_CHECKPOINT when a head of its own is stated but not stored.
 */
export function readTied(
  sections: [JsonFile, ...JsonFile[]],
  hasHead: boolean,
): { isTied: boolean; notes: string[] } {
  const { path } = sections[0];
  const stated = sections.filter(({ fields }) => (fields[FIELD] ?? undefined) !== undefined);
  if (stated.length === 0)
    return {
      isTied: !hasHead,
      notes: hasHead
        ? []
        : [`${path} has no "${FIELD}" and no head is stored: it is the embedding matrix.`],
    };
  const isTied = stated.some((section) => jsonBoolean(section, FIELD, false));
  if (!isTied && !hasHead)
    throw checkpointError(
      path,
      `"${FIELD}" is false, but the tensor for 'output.weight' is missing (lm_head.weight): ` +
        'a shard is not there, or the head is the embedding matrix and the field should be true.',
      { tensor: 'output.weight' },
    );
  return { isTied, notes: [] };
}
