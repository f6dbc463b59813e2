/** What converted files say about themselves and what lies beside them: source digest, checksums, model card, Modelfile. */

import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  appendFileSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { openCheckpoint } from '../../src/convert/checkpoint.js';
import { type ConvertOptions, convert } from '../../src/convert/convert.js';
import { findLayout, nameTensors } from '../../src/convert/layouts.js';
import { quantize } from '../../src/convert/quantize.js';
import { verifyChecksum } from '../../src/gguf/checksum-file.js';
import { readGguf } from '../../src/gguf/reader.js';
import { rewriteAsTransformers } from '../support/transformers-layout.js';

const checkpoint = join(import.meta.dirname, '../../demo/checkpoint');

let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'provenance-'));
});
afterEach(() => rmSync(dir, { recursive: true }));

const sha256 = (data: string | Uint8Array) => createHash('sha256').update(data).digest('hex');
const convertDemo = (options: Partial<ConvertOptions> = {}) =>
  convert({ checkpoint, outdir: dir, name: 'demo', ...options });
const digestOf = async (path: string) =>
  (await readGguf(path)).metadata.get('general.source.sha256');

describe('the digest of the source', () => {
  /** By the documented rule, from the whole files. */
  async function expectedDigest(folder: string): Promise<string> {
    const { config, tensors } = await openCheckpoint(folder);
    const { decoder, vision } = nameTensors(findLayout(config), tensors.values());
    const lines = [...decoder, ...vision].map(([name, { file, shape, dtype, offset, bytes }]) => {
      const data = readFileSync(file).subarray(offset, offset + bytes);
      return `${name} ${dtype.toLowerCase()} ${shape.toReversed().join('x')} ${sha256(data)}\n`;
    });
    return sha256(lines.sort().join(''));
  }

  test('is the documented one, in both files, whatever the type', async () => {
    const expected = await expectedDigest(checkpoint);
    for (const options of [
      {},
      { outtype: 'f32', mmprojOuttype: 'q8_0' },
      { outtype: 'q4_k_m', splitMaxSize: 1_000_000, verify: true },
    ] as const) {
      const { model, mmproj } = await convertDemo(options);
      expect(await digestOf(model.path)).toBe(expected);
      expect(await digestOf(mmproj.path)).toBe(expected);
    }
  });

  test('is the same in every layout and sharding, and another for other weights', async () => {
    const { model } = await convertDemo();
    const rewritten = join(dir, 'rewritten');
    await rewriteAsTransformers(checkpoint, rewritten, { names: 'in-memory', nShards: 3 });
    const other = await convertDemo({ checkpoint: rewritten, name: 'other' });
    expect(await digestOf(other.model.path)).toBe(await digestOf(model.path));
    await rewriteAsTransformers(checkpoint, join(dir, 'f16'), { names: 'saved', dtype: 'F16' });
    const half = await convertDemo({ checkpoint: join(dir, 'f16'), name: 'half' });
    expect(await digestOf(half.model.path)).not.toBe(await digestOf(model.path));
  });

  test('stays when a file is quantised', async () => {
    const { model } = await convertDemo();
    const small = await quantize({ file: model.path, outtype: 'q8_0', verify: true });
    expect(await digestOf(small.path)).toBe(await digestOf(model.path));
  });
});

describe('checksums', () => {
  test('are kept beside the files as sha256sum reads them, on request', async () => {
    const { model, mmproj } = await convertDemo({ checksumFiles: true });
    for (const { path, sha256: stated } of [model, mmproj]) {
      expect(stated).toBe(sha256(readFileSync(path)));
      expect(readFileSync(`${path}.sha256`, 'utf8')).toBe(`${stated}  ${basename(path)}\n`);
      expect(await verifyChecksum(path)).toEqual([{ path, sha256: stated }]);
    }
    try {
      execFileSync('sha256sum', ['-c', 'demo-f16.gguf.sha256'], { cwd: dir, stdio: 'pipe' });
    } catch (error) {
      expect((error as NodeJS.ErrnoException).code).toBe('ENOENT');
    }
    const small = await quantize({ file: model.path, outtype: 'q8_0', checksumFiles: true });
    expect(await verifyChecksum(small.path)).toHaveLength(1);
  });

  test('of a split decoder are in one file', async () => {
    const { model } = await convertDemo({ checksumFiles: true, splitMaxSize: 1_000_000 });
    const progress: number[] = [];
    const onProgress = (fraction: number) => progress.push(fraction);
    const files = await verifyChecksum(model.path, { onProgress });
    expect(files).toEqual(model.parts!.map(({ path, sha256 }) => ({ path, sha256 })));
    expect(progress.at(-1)).toBe(1);
    appendFileSync(model.parts![1]!.path, 'x');
    await expect(verifyChecksum(model.path)).rejects.toMatchObject({
      code: 'ERR_MODEL_LOAD',
      path: model.parts![1]!.path,
    });
  });

  test('of an earlier conversion go when a file is replaced', async () => {
    const { model } = await convertDemo({ checksumFiles: true });
    await convertDemo();
    expect(readdirSync(dir).sort()).toEqual(['demo-f16.gguf', 'mmproj-demo-f16.gguf']);
    await expect(verifyChecksum(model.path)).rejects.toMatchObject({ code: 'ERR_MODEL_LOAD' });
  });

  test.each([
    ['other words', 'hello\n', /expected lines/],
    ['a path', `${'0'.repeat(64)}  ../x\n`, /expected lines/],
    ['another file', `${'0'.repeat(64)}  x\n`, /says nothing about/],
    ['another hash', `${'0'.repeat(64)}  demo-f16.gguf\n`, /changed or damaged/],
  ])('with %s are refused', async (_, text, message) => {
    const { model } = await convertDemo();
    writeFileSync(`${model.path}.sha256`, text);
    if (text.endsWith('  x\n')) writeFileSync(join(dir, 'x'), '');
    await expect(verifyChecksum(model.path)).rejects.toMatchObject({
      code: 'ERR_MODEL_LOAD',
      message: expect.stringMatching(message),
    });
  });

  test('stop when they are aborted', async () => {
    const { model } = await convertDemo({ checksumFiles: true });
    const signal = AbortSignal.abort(new Error('enough'));
    await expect(verifyChecksum(model.path, { signal })).rejects.toThrow('enough');
    const late = new AbortController();
    const onProgress = (_: number, doing: string) => doing.includes('checksum') && late.abort();
    await expect(
      convertDemo({ checksum: true, name: 'late', signal: late.signal, onProgress }),
    ).rejects.toMatchObject({ name: 'AbortError' });
    expect(readdirSync(dir).filter((name) => name.includes('late'))).toEqual([]);
  });
});

describe('documents', () => {
  const source = { repo: 'lmms-lab/llava-onevision-qwen2-0.5b-ov', commit: 'c'.repeat(40) };

  test('a model card and a Modelfile say what the files are', async () => {
    const own = join(dir, 'own');
    await rewriteAsTransformers(checkpoint, own, { names: 'saved' });
    writeFileSync(join(own, 'README.md'), '---\nlicense: apache-2.0\nlanguage:\n- en\n---\n# X\n');
    const result = await convertDemo({
      ...{ checkpoint: own, card: true, modelfile: true, checksumFiles: true, source },
      outtype: 'q4_k_m',
    });
    expect(result.documents).toEqual([join(dir, 'README.md'), join(dir, 'Modelfile')]);
    const card = readFileSync(join(dir, 'README.md'), 'utf8');
    const header = /^---\n([\s\S]*?)\n---\n/.exec(card)![1]!.split('\n');
    for (const line of [
      'license: apache-2.0',
      '- "en"',
      `base_model: ${source.repo}`,
      'base_model_relation: quantized',
      'pipeline_tag: image-text-to-text',
      'library_name: gguf',
    ])
      expect(header).toContain(line);
    for (const { path, bytes, sha256 } of [result.model, result.mmproj])
      expect(card).toMatch(
        new RegExp(`\\| ${basename(path)} .*${bytes.toLocaleString('en')} \\| \`${sha256}\``),
      );
    expect(card).toContain(`https://huggingface.co/${source.repo}/tree/${source.commit}`);
    expect(card).toContain('sha256sum -c');
    const modelfile = readFileSync(join(dir, 'Modelfile'), 'utf8');
    expect(modelfile).toContain('FROM ./demo-q4_k_m.gguf\nFROM ./mmproj-demo-f16.gguf\n');
    expect(modelfile).toContain('LICENSE """apache-2.0"""');
    // The prompt of the transformers dialect: no default system message, one end token.
    expect(modelfile).toContain('<|im_start|>{{ .Role }} \n{{ .Content }}<|im_end|>{{ end }}');
    expect(modelfile).not.toContain('SYSTEM');
    expect(modelfile.match(/PARAMETER stop/g)).toHaveLength(1);
  });

  test('the Modelfile has the checkpoint’s sampling and the dialect’s prompt', async () => {
    const own = join(dir, 'own');
    await rewriteAsTransformers(checkpoint, own, { names: 'saved' });
    const generation = { do_sample: true, temperature: 0.7, top_k: 20, top_p: 0.8 };
    writeFileSync(
      join(own, 'generation_config.json'),
      JSON.stringify({ ...generation, repetition_penalty: 1.05, eos_token_id: [1258, 1256] }),
    );
    await convertDemo({ checkpoint: own, modelfile: true });
    const parameters = (text: string) =>
      [...text.matchAll(/^PARAMETER (?!stop)(.*)$/gm)].map(([, value]) => value);
    const modelfile = readFileSync(join(dir, 'Modelfile'), 'utf8');
    expect(parameters(modelfile)).toEqual([
      ...[expect.stringMatching(/^num_ctx \d+$/), 'temperature 0.7', 'top_k 20', 'top_p 0.8'],
      ...['repeat_penalty 1.05', 'repeat_last_n -1'],
    ]);
    // The file's own end tokens, beside the dialect's.
    expect(modelfile).toContain(
      'PARAMETER stop "<|im_end|>"\nPARAMETER stop "<|endoftext|>"\nPARAMETER num_ctx',
    );
    await convertDemo({ modelfile: true, force: true });
    const ours = readFileSync(join(dir, 'Modelfile'), 'utf8');
    expect(ours).toContain(
      'TEMPLATE """{{- range .Messages }}<|im_start|>{{ .Role }}\n{{ .Content }}<|im_end|>\n{{ end }}<|im_start|>assistant\n"""',
    );
    expect(ours).toContain('SYSTEM """You are a helpful assistant."""');
    expect(ours.match(/PARAMETER stop/g)).toHaveLength(2);
  });

  test.each(['README.md', 'Modelfile'])(
    'a %s that is there is not replaced unasked',
    async (name) => {
      writeFileSync(join(dir, name), 'mine');
      const options = { card: true, modelfile: true };
      await expect(convertDemo(options)).rejects.toMatchObject({
        code: 'ERR_WRITE',
        path: join(dir, name),
      });
      expect(readdirSync(dir)).toEqual([name]);
      expect(readFileSync(join(dir, name), 'utf8')).toBe('mine');
      await convertDemo({ ...options, force: true });
      expect(readFileSync(join(dir, name), 'utf8')).toContain('llava-onevision');
    },
  );

  test('no Modelfile for a split decoder, which Ollama cannot read', async () => {
    await expect(convertDemo({ modelfile: true, splitMaxSize: 1e6 })).rejects.toMatchObject({
      code: 'ERR_INVALID_ARGUMENT',
      argument: 'splitMaxSize',
    });
  });

  test.each([
    { repo: 'no slash' },
    { repo: 'a/b\nlicense: mit' },
    { repo: 'a/b', commit: 'main' },
    {},
  ])('the source %j is refused', async (bad) => {
    await expect(convertDemo({ source: bad as { repo: string } })).rejects.toMatchObject({
      code: 'ERR_INVALID_ARGUMENT',
      argument: 'source',
    });
    expect(existsSync(join(dir, 'demo-f16.gguf'))).toBe(false);
  });
});
