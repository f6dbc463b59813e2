// Functions that read and write files refuse options that they do not know: a misspelt one would do nothing, unseen.
import { describe, expect, it } from 'vitest';
import { convert } from '../../src/convert/convert.js';
import { convertLora } from '../../src/convert/convert-lora.js';
import { quantize } from '../../src/convert/quantize.js';
import { pull } from '../../src/hub/pull.js';
import { fakeBinding } from '../support/fake-binding.js';

const binding = fakeBinding();
const paths = { checkpoint: '/nowhere', outdir: '/nowhere' };

describe('a misspelt option is refused', () => {
  it.each<[string, string, () => Promise<unknown>]>([
    ['convert', 'outType', () => convert({ ...paths, outType: 'q8_0' } as never, binding)],
    [
      'convertLora',
      'outputType',
      () => convertLora({ adapter: '/x', outdir: '/x', outputType: 'f32' } as never, binding),
    ],
    [
      'quantize',
      'out',
      () => quantize({ file: '/x.gguf', outtype: 'q8_0', out: '/y' } as never, binding),
    ],
    ['pull', 'dryrun', () => pull('owner/name', { dryrun: true } as never)],
  ])('%s', async (_, option, call) => {
    await expect(call()).rejects.toMatchObject({
      code: 'ERR_INVALID_ARGUMENT',
      argument: `options.${option}`,
      message: expect.stringContaining(`received "${option}"`),
    });
  });
});
