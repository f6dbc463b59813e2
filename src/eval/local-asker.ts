/** The model of this process. Its scheduler batches the questions that are under way. */
import { basename } from 'node:path';
import { fileFingerprint } from '../gguf/file-fingerprint.js';
import type { LlavaOneVision } from '../llava-onevision.js';
import type { LoadOptions } from '../load/load-options.js';
import type { LoraAdapter } from '../load/lora-options.js';
import type { MultiImage } from '../vision/image-plan.js';
import type { Asker } from './asker.js';

/**
 * How a model is loaded for benchmarks, where the library's defaults differ. Without a prefix cache no answer depends on
 * what was asked before, nor on where a run was interrupted.
 */
export const EVAL_LOAD_OPTIONS = {
  dialect: 'llava-next',
  prefixCache: false,
} as const satisfies Partial<LoadOptions>;

/** Everything about files and options that answers depend on. @throws ERR_MODEL_LOAD */
export async function localIdentity(
  options: LoadOptions & { mmproj: string },
): Promise<Pick<Asker, 'identity' | 'label'>> {
  const {
    model,
    mmproj,
    lora,
    dialect,
    multiImage,
    kvType = 'f16',
    flashAttention = 'auto',
  } = options;
  return {
    identity: {
      kind: 'local',
      model: await fileFingerprint(model),
      mmproj: await fileFingerprint(mmproj),
      dialect: dialect ?? EVAL_LOAD_OPTIONS.dialect,
      multiImage: multiImage ?? "the benchmark's",
      kvType: typeof kvType === 'string' ? kvType : JSON.stringify(kvType),
      flashAttention,
      ...(lora !== undefined && { lora: await adapters(lora) }),
    },
    label: `${basename(model)} with ${basename(mmproj)}`,
  };
}

/** @param about with `multiImage` instead of each benchmark's own, if given */
export function localAsker(
  model: LlavaOneVision,
  { multiImage: fixed, ...about }: Pick<Asker, 'identity' | 'label'> & { multiImage?: MultiImage },
): Asker {
  return {
    ...about,
    async ask({ content, maxTokens, multiImage }, signal) {
      const { text, finishReason, usage } = await model.chat([{ role: 'user', content }], {
        // Greedy; the repetition penalty stays the file's, which the reference does not override either.
        temperature: 0,
        maxTokens,
        multiImage: fixed ?? multiImage,
        signal,
      }).result;
      const { promptTokens, visualTokens, completionTokens } = usage;
      return { text, finishReason, promptTokens, visualTokens, answerTokens: completionTokens };
    },
  };
}

async function adapters(lora: NonNullable<LoadOptions['lora']>): Promise<string> {
  const names = ([lora].flat() as (string | LoraAdapter)[]).map(async (adapter) => {
    const { path, scale = 1 } = typeof adapter === 'string' ? { path: adapter } : adapter;
    return `${await fileFingerprint(path)}:${scale}`;
  });
  return (await Promise.all(names)).join(' ');
}
