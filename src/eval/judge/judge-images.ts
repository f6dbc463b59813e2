/** The pictures that a judge sees, read from the dataset again: results do not hold them. */
import { join } from 'node:path';
import { LlavaError } from '../../errors.js';
import { makeFolder } from '../../files/make-folder.js';
import { writeWhole } from '../../files/whole-file.js';
import { readImageBytes } from '../../media/image-bytes.js';
import { readAnswers } from '../answers.js';
import type { Benchmark } from '../benchmark.js';
import { findImages, presentImages } from '../data/media.js';
import type { OpenData } from '../data/open-data.js';
import { imageDataUrl } from '../endpoint-asker.js';
import { answersPath, type Manifest } from '../results.js';
import { keyOf } from '../select.js';

export interface JudgeImages {
  /** Files written for the request file. @throws ERR_EVAL_DATA, ERR_WRITE */
  paths(part: string, id: string): Promise<string[]>;
  /** data: URLs. @throws ERR_EVAL_DATA */
  urls(part: string, id: string): Promise<string[]>;
}

/** @param data open as long as pictures are wanted @throws ERR_EVAL_RESULTS */
export async function judgeImages(
  dir: string,
  benchmark: Benchmark,
  { data, rules }: { data: OpenData; rules: Manifest['rules'] },
): Promise<JudgeImages> {
  const rows = new Map<string, number>();
  for await (const record of readAnswers(answersPath(dir, benchmark.name)))
    rows.set(keyOf(record), record.index);
  const sources = async (part: string, id: string) => {
    const open = data.list.find((each) => each.part.name === part);
    const index = rows.get(keyOf({ part, id }));
    if (!open || index === undefined)
      throw new LlavaError('ERR_EVAL_DATA', `${benchmark.name}/${part}/${id} is not in the data`);
    const sample = benchmark.sample(await open.table.row(index), { part, rules, index });
    return findImages(presentImages(sample?.images), open.folders);
  };
  return {
    async urls(part, id) {
      return Promise.all((await sources(part, id)).map((source) => imageDataUrl(source)));
    },
    async paths(part, id) {
      const folder = join(dir, benchmark.name, 'judge-images');
      await makeFolder(folder);
      const paths: string[] = [];
      for (const [i, source] of (await sources(part, id)).entries()) {
        const { bytes } = await readImageBytes(source as string | Uint8Array);
        const name = `${part}-${id}-${i}`.replace(/[^\w.-]/g, '_');
        const path = join(folder, name);
        await writeWhole(path, bytes);
        paths.push(path);
      }
      return paths;
    },
  };
}
