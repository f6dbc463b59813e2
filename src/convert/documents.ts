/** What convert writes beside the model files on request: a model card (README.md) and a Modelfile for Ollama. */
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Dialect } from '../dialect.js';
import { invalidArgument, LlavaError } from '../errors.js';
import { writeWhole } from '../files/whole-file.js';
import { readDecoderFile } from '../gguf/decoder-file.js';
import { modelCardText } from './model-card.js';
import { modelfileText } from './modelfile.js';
import type { WrittenFile } from './output-files.js';
import type { MmprojOuttype, Outtype } from './outtypes.js';

export interface DocumentOptions {
  /** Also write a model card, README.md, with sizes and checksums. */
  card?: boolean;
  /** Also write a Modelfile for Ollama. It reads whole files only, so not together with `splitMaxSize`. */
  modelfile?: boolean;
  /** Replace a README.md and a Modelfile that are there. Model files are replaced in any case. */
  force?: boolean;
}

/** What `convert` was asked for. */
interface Request extends DocumentOptions {
  outdir: string;
  outtype?: Outtype;
  mmprojOuttype?: MmprojOuttype;
  checksumFiles?: boolean;
  splitMaxSize?: number;
}

function documentPaths({ outdir, card, modelfile }: Request): string[] {
  return [...(card ? ['README.md'] : []), ...(modelfile ? ['Modelfile'] : [])].map((name) =>
    join(outdir, name),
  );
}

/** Before anything is written. @throws ERR_WRITE for a document that is there, ERR_INVALID_ARGUMENT */
export async function checkDocuments(options: Request): Promise<void> {
  if (options.modelfile && options.splitMaxSize !== undefined)
    throw invalidArgument(
      'splitMaxSize',
      'no size together with modelfile, because Ollama reads decoders of one file only,',
      options.splitMaxSize,
    );
  if (options.force) return;
  for (const path of documentPaths(options))
    if (await stat(path).catch(() => undefined))
      throw new LlavaError(
        'ERR_WRITE',
        `${path} exists already; move it away, or allow to replace it (\`force\`).`,
        { path },
      );
}

/** @returns the paths. @throws ERR_WRITE */
export async function writeDocuments(
  options: Request,
  { model, mmproj, dialect }: { model: WrittenFile; mmproj: WrittenFile; dialect: Dialect },
): Promise<string[]> {
  const paths = documentPaths(options);
  if (paths.length === 0) return paths;
  const { outtype = 'f16', mmprojOuttype = 'f16', checksumFiles = false } = options;
  const decoder = await readDecoderFile(model.path);
  const { metadata } = decoder.gguf;
  const license = metadata.get('general.license')?.toString();
  const facts = { model: model.path, mmproj: mmproj.path, dialect, decoder, license };
  for (const path of paths)
    await writeWhole(
      path,
      path.endsWith('README.md')
        ? modelCardText({ model, mmproj, outtype, mmprojOuttype, dialect, metadata, checksumFiles })
        : modelfileText(facts),
    );
  return paths;
}
