/** Which files of a folder belong together, by their headers and whatever they are called. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { fileType, type Outtype } from '../../../src/convert/outtypes.js';
import { resolveModel } from '../../../src/models/resolve-model.js';
import { decoderGguf, ggufBytes, type TestGguf } from '../../support/gguf.js';
import { mmprojGguf } from '../../support/mmproj.js';

const root = mkdtempSync(join(tmpdir(), 'gguf-files-'));
afterAll(() => rmSync(root, { recursive: true }));

/** A header with more keys before the rest. */
function headed(gguf: TestGguf, keys: Record<string, string | Outtype>): Buffer {
  const entries: TestGguf['entries'] = {
    'general.architecture': gguf.entries['general.architecture']!,
  };
  for (const [key, value] of Object.entries(keys))
    entries[key] =
      key === 'general.file_type' ? ['u32', fileType(value as Outtype)] : ['string', value];
  return ggufBytes({ ...gguf, entries: { ...entries, ...gguf.entries } });
}

const decoder = (keys = {}) => headed(decoderGguf(), keys);
const mmproj = (keys = {}, nProjection = 8) => headed(mmprojGguf({ nProjection }), keys);

let count = 0;
/** A folder of its own. @returns the path of a file in it */
function folder(files: Record<string, Buffer | string>): (name: string) => string {
  const dir = join(root, String(count++));
  mkdirSync(dir);
  for (const [name, bytes] of Object.entries(files)) writeFileSync(join(dir, name), bytes);
  return (name) => join(dir, name);
}

const refusal = (message: RegExp, code = 'ERR_MODEL_LOAD') =>
  expect.objectContaining({ code, message: expect.stringMatching(message) });

describe('beside a decoder', () => {
  test('the mmproj of its width is found, whatever it is called', async () => {
    const at = folder({
      ...{ 'a.gguf': decoder(), 'b.gguf': mmproj(), 'wide.gguf': mmproj({}, 16) },
      ...{ 'notes.txt': 'x', 'broken.gguf': 'GGUF?' },
    });
    const files = { model: at('a.gguf'), mmproj: at('b.gguf') };
    expect(await resolveModel(at('a.gguf'))).toEqual(files);
    expect(await resolveModel(at('.'))).toEqual(files);
    // The other of the two does as well.
    expect(await resolveModel(at('b.gguf'))).toEqual(files);
  });

  test('none: the model takes text only', async () => {
    const at = folder({ 'a.gguf': decoder(), 'wide.gguf': mmproj({}, 16) });
    expect(await resolveModel(at('a.gguf'))).toEqual({ model: at('a.gguf'), mmproj: null });
  });

  test('one that is named goes before all others', async () => {
    const at = folder({ 'a.gguf': decoder(), 'b.gguf': mmproj() });
    const given = { mmproj: '/elsewhere/m.gguf' };
    expect(await resolveModel(at('a.gguf'), given)).toEqual({ model: at('a.gguf'), ...given });
  });

  test('of several, that of the same weights, else of the same name', async () => {
    const [one, two] = ['1', '2'].map((digit) => ({ 'general.source.sha256': digit.repeat(64) }));
    const at = folder({
      ...{ 'a.gguf': decoder(one), 'm1.gguf': mmproj(one), 'm2.gguf': mmproj(two) },
      ...{
        'named.gguf': decoder({ 'general.name': 'x' }),
        'mx.gguf': mmproj({ 'general.name': 'x' }),
      },
    });
    expect((await resolveModel(at('a.gguf'))).mmproj).toBe(at('m1.gguf'));
    expect((await resolveModel(at('named.gguf'))).mmproj).toBe(at('mx.gguf'));
  });

  test('of several of the same width, the one that is called as it is', async () => {
    const at = folder({
      ...{ 'cat-7B.q8_0.gguf': decoder(), 'mmproj-cat-7b-f16.gguf': mmproj() },
      ...{ 'dog-7b-Q4_K_M-00001-of-00002.gguf': decoder(), 'dog-7b.mmproj-F32.gguf': mmproj() },
      ...{ 'mmproj-cat.gguf': mmproj(), 'mmproj.gguf': mmproj(), 'cow.gguf': decoder() },
    });
    const mmprojOf = async (name: string) => (await resolveModel(at(name))).mmproj;
    expect(await mmprojOf('cat-7B.q8_0.gguf')).toBe(at('mmproj-cat-7b-f16.gguf'));
    expect(await mmprojOf('dog-7b-Q4_K_M-00001-of-00002.gguf')).toBe(at('dog-7b.mmproj-F32.gguf'));
    await expect(mmprojOf('cow.gguf')).rejects.toEqual(refusal(/dog-7b\.mmproj.*, mmproj-cat-7b/));
  });

  test('of several types of the same weights f16, or f32 beside f32', async () => {
    const same = { 'general.source.sha256': '1'.repeat(64) };
    const typed = (type: Outtype) => mmproj({ ...same, 'general.file_type': type });
    const files = { 'a.gguf': decoder(same), 'm1.gguf': typed('f32'), 'm2.gguf': typed('f16') };
    const at = folder(files);
    expect((await resolveModel(at('a.gguf'))).mmproj).toBe(at('m2.gguf'));
    const exact = folder({ ...files, 'a.gguf': decoder({ ...same, 'general.file_type': 'f32' }) });
    expect((await resolveModel(exact('a.gguf'))).mmproj).toBe(exact('m1.gguf'));
    const others = folder({ ...files, 'm2.gguf': typed('q8_0') });
    await expect(resolveModel(others('a.gguf'))).rejects.toEqual(refusal(/m1\.gguf, m2\.gguf/));
  });

  test('several that would do are listed', async () => {
    const at = folder({ 'a.gguf': decoder(), 'b.gguf': mmproj(), 'c.gguf': mmproj() });
    await expect(resolveModel(at('a.gguf'))).rejects.toEqual(refusal(/b\.gguf, c\.gguf/));
  });
});

describe('an mmproj in place of the decoder', () => {
  test('without a decoder beside it, or with several', async () => {
    const alone = folder({ 'm.gguf': mmproj() });
    await expect(resolveModel(alone('m.gguf'))).rejects.toEqual(refusal(/no decoder/));
    const many = folder({ 'm.gguf': mmproj(), 'a.gguf': decoder(), 'b.gguf': decoder() });
    await expect(resolveModel(many('m.gguf'))).rejects.toEqual(refusal(/a\.gguf, b\.gguf/));
  });
});

describe('a folder of several decoders', () => {
  const at = folder({
    ...{ 'a.gguf': decoder({ 'general.file_type': 'f16' }), 'm.gguf': mmproj() },
    'b.gguf': decoder({ 'general.file_type': 'q8_0' }),
    'a-00002-of-00003.gguf': decoder({ 'general.file_type': 'q8_0' }),
  });

  test('is told by the type', async () => {
    const files = { model: at('b.gguf'), mmproj: at('m.gguf') };
    expect(await resolveModel(`${at('.')}:q8_0`)).toEqual(files);
    expect(await resolveModel(at('.'), { type: 'q8_0' })).toEqual(files);
  });

  test('lists them where it is not', async () => {
    const all = refusal(/several: a\.gguf \(f16\), b\.gguf \(q8_0\)/);
    await expect(resolveModel(at('.'))).rejects.toEqual(all);
    await expect(resolveModel(`${at('.')}:q6_k`)).rejects.toEqual(refusal(/of type q6_k .*none/));
  });

  test('a file has no other type than its own', async () => {
    expect((await resolveModel(`${at('a.gguf')}:f16`)).model).toBe(at('a.gguf'));
    await expect(resolveModel(`${at('a.gguf')}:q8_0`)).rejects.toEqual(
      refusal(/f16.*quantize/, 'ERR_INVALID_ARGUMENT'),
    );
  });
});

test('a folder of anything else', async () => {
  const at = folder({ 'notes.txt': '' });
  await expect(resolveModel(at('.'))).rejects.toEqual(refusal(/no GGUF decoder and no checkpoint/));
});
