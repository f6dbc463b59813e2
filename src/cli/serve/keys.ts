/** The keys of `serve`: from its flags and a file, which is read again when asked for. */
import { readFile } from 'node:fs/promises';
import { LlavaError } from '../../errors.js';
import { ApiKeys, isKey, keysOf } from '../../server/keys.js';

export interface KeyFlags {
  apiKey?: string[];
  apiKeyFile?: string;
}

export interface OpenedKeys {
  keys: ApiKeys;
  /** Keeps the keys that hold where the file cannot be read. @throws ERR_INVALID_ARGUMENT */
  reload(): Promise<void>;
}

/** Undefined without any. @throws ERR_INVALID_ARGUMENT */
export async function openKeys(flags: KeyFlags): Promise<OpenedKeys | undefined> {
  if (flags.apiKey === undefined && flags.apiKeyFile === undefined) return undefined;
  const keys = new ApiKeys(await readKeys(flags));
  return { keys, reload: async () => keys.replace(await readKeys(flags)) };
}

async function readKeys({ apiKey = [], apiKeyFile }: KeyFlags): Promise<string[]> {
  checkKeys('apiKey', apiKey);
  if (apiKeyFile === undefined) return apiKey;
  const text = await readFile(apiKeyFile, 'utf8').catch((cause: Error) => {
    const message = `Cannot read \`apiKeyFile\`: ${cause.message}`;
    throw new LlavaError('ERR_INVALID_ARGUMENT', message, { argument: 'apiKeyFile' }, { cause });
  });
  const found = keysOf(text);
  checkKeys('apiKeyFile', found);
  if (found.length > 0) return [...apiKey, ...found];
  const message = `\`apiKeyFile\` ${apiKeyFile} has no key in it: one a line is expected`;
  throw new LlavaError('ERR_INVALID_ARGUMENT', message, { argument: 'apiKeyFile' });
}

/** Which one is wrong is said by its place: keys are never printed. */
function checkKeys(argument: keyof KeyFlags, keys: readonly string[]): void {
  const wrong = keys.findIndex((key) => !isKey(key));
  if (wrong < 0) return;
  const message = `key ${wrong + 1} of ${keys.length} is not 1 to 512 visible ASCII characters without spaces`;
  throw new LlavaError('ERR_INVALID_ARGUMENT', message, { argument });
}
