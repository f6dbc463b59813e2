/** Which of the published models a decoder's file is, by its own metadata. */
import { LlavaError } from '../errors.js';
import type { DecoderFile } from '../gguf/decoder-file.js';
import { type KnownAnswers, readBuiltIn, readTable } from './known-answers.js';

type DecoderFacts = Pick<DecoderFile, 'path' | 'gguf' | 'nLayer' | 'nEmbd'>;

/** @param wanted name of a built-in table, or a file. Default: the one whose sizes and repository or name are the decoder's.
 *  @throws ERR_INVALID_ARGUMENT when there is none */
export async function chooseTable(decoder: DecoderFacts, wanted?: string): Promise<KnownAnswers> {
  const tables = await readBuiltIn();
  if (wanted !== undefined) return tables.find(({ name }) => name === wanted) ?? readTable(wanted);
  const { nLayer, nEmbd } = decoder;
  const sized = tables.filter(
    ({ model }) => model.layers === nLayer && model.embeddingSize === nEmbd,
  );
  const identities = readIdentities(decoder);
  const found = sized.find(({ repositories = [] }) =>
    repositories.some((id) => identities.includes(plainName(id))),
  );
  if (found) return found;
  const known = (sized.length > 0 ? sized : tables).map(({ name }) => name).join(', ');
  const why =
    sized.length > 0
      ? `the metadata of ${decoder.path} does not tell which model it is`
      : `no published model has ${nLayer} layers of ${nEmbd}, as ${decoder.path} has`;
  throw new LlavaError(
    'ERR_INVALID_ARGUMENT',
    `Expected the name of a table (${known}) or a file for table, because ${why}`,
    { argument: 'table', path: decoder.path },
  );
}

/** Names that the file gives itself, the surest first. */
function readIdentities({ gguf }: DecoderFacts): string[] {
  return ['source.huggingface.repository', 'source.repo_url', 'name']
    .map((key) => gguf.metadata.get(`general.${key}`))
    .filter((value) => typeof value === 'string')
    .map(plainName);
}

/** "llava-hf/NAME-hf" and "https://…/NAME" to "name". */
function plainName(id: string): string {
  return id.toLowerCase().replace(/\/+$/, '').split('/').at(-1)!.replace(/-hf$/, '');
}
