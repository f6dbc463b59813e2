/** Whether a text is one that a response format admits, by llama.cpp's own matcher. */
import type { NativeBinding } from '../binding.js';
import { invalidArgument } from '../errors.js';
import { readable } from '../option-checks.js';
import { type ResponseFormat, resolveFormat } from './response-format.js';

export async function admits(
  binding: Pick<NativeBinding, 'Grammar'>,
  text: string,
  responseFormat: ResponseFormat,
): Promise<boolean> {
  if (typeof text !== 'string') throw invalidArgument('text', 'a text', text);
  const format = readable('responseFormat', responseFormat, () => resolveFormat(responseFormat));
  if (!format) throw invalidArgument('responseFormat', 'a response format', responseFormat);
  // Half a surrogate pair is no text that a model could write.
  if (/\p{Surrogate}/u.test(text)) return false;
  const grammar = new binding.Grammar(format.grammar);
  try {
    return await grammar.matches(text);
  } finally {
    await grammar.dispose();
  }
}
