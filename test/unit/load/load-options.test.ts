import { describe, expect, it } from 'vitest';
import { resolveLoadOptions } from '../../../src/load/load-options.js';

const resolve = (options: object) => resolveLoadOptions({ model: 'm.gguf', ...options });

it('fills the defaults', () => {
  expect(resolve({})).toEqual({
    model: 'm.gguf',
    mmproj: undefined,
    lora: [],
    contextSize: undefined,
    threads: undefined,
    dialect: undefined,
    microBatchSize: undefined,
    signal: undefined,
    backend: 'auto',
    gpuLayers: 'auto',
    visionOnGpu: 'auto',
    batchSize: 512,
    kvType: { k: 'f16', v: 'f16' },
    flashAttention: 'auto',
    kernels: 'auto',
    maxSequences: 8,
    lookup: 0,
    useMmap: true,
    useMlock: false,
    maxPixels: 100e6,
    mediaTimeoutMs: 30_000,
    autoOrient: true,
    multiImage: 'pad',
    visualCacheBytes: 512 * 2 ** 20,
    visualCacheDir: undefined,
    prefixCache: true,
    prefixCacheBytes: 512 * 2 ** 20,
    ffmpegPath: undefined,
    ffprobePath: undefined,
    devices: undefined,
    tensorSplit: undefined,
    mainDevice: undefined,
    rpcServers: undefined,
    onProgress: undefined,
    log: undefined,
  });
});

it.each([
  [{ mmproj: null }, { mmproj: null }],
  [{ offline: true }, { offline: true }],
  [{ kvType: 'q8_0' }, { kvType: { k: 'q8_0', v: 'q8_0' } }],
  [{ kvType: { k: 'f32' } }, { kvType: { k: 'f32', v: 'f16' } }],
  [{ backend: 'cuda' }, { backend: 'cuda' }],
  [{ gpuLayers: 'auto' }, { gpuLayers: 'auto' }],
  [{ gpuLayers: 0 }, { gpuLayers: 0 }],
  [{ visionOnGpu: 'auto' }, { visionOnGpu: 'auto' }],
  [{ visionOnGpu: false }, { visionOnGpu: false }],
  [{ batchSize: 4 }, { batchSize: 4, maxSequences: 4 }],
  [{ multiImage: 'anyres' }, { multiImage: 'anyres' }],
  [{ visualCacheBytes: 0 }, { visualCacheBytes: 0 }],
  [{ prefixCacheBytes: 5 }, { prefixCacheBytes: 5 }],
  [{ mediaTimeoutMs: 500 }, { mediaTimeoutMs: 500 }],
  [{ ffmpegPath: '/a' }, { ffmpegPath: '/a' }],
  [{ dialect: 'transformers' }, { dialect: 'transformers' }],
])('%j', (options, expected) => {
  expect(resolve(options)).toMatchObject(expected);
});

const wrong: [string, unknown][] = [
  ...[undefined, '', 5, null, 'a\0b', new URL('file:///a')].map((value): [string, unknown] => [
    'model',
    value,
  ]),
  ...['', 5, false].map((value): [string, unknown] => ['mmproj', value]),
  ...['yes', 1, null].map((value): [string, unknown] => ['offline', value]),
  ...[0, -1, 1.5, Number.NaN, '512', 2 ** 24 + 1, null].map((value): [string, unknown] => [
    'contextSize',
    value,
  ]),
  ...[-1, 1.5, 'all', Number.NaN, true, null].map((value): [string, unknown] => [
    'gpuLayers',
    value,
  ]),
  ...[1, 'yes', null].map((value): [string, unknown] => ['visionOnGpu', value]),
  ...['gpu', 'CUDA', null].map((value): [string, unknown] => ['backend', value]),
  ...[0, 513, 1.5, '4'].map((value): [string, unknown] => ['threads', value]),
  ...['hf', 1, null].map((value): [string, unknown] => ['dialect', value]),
  ...[0, 65537, 1.5].map((value): [string, unknown] => ['batchSize', value]),
  ...[0, 513, 1.5].map((value): [string, unknown] => ['microBatchSize', value]),
  ...['f8', 1, null].map((value): [string, unknown] => ['kvType', value]),
  ...[true, 'maybe'].map((value): [string, unknown] => ['flashAttention', value]),
  ...[0, 257, 1.5].map((value): [string, unknown] => ['maxSequences', value]),
  ...[-1, 65, 1.5, '4'].map((value): [string, unknown] => ['lookup', value]),
  ...[1, 'true', null].map((value): [string, unknown] => ['useMmap', value]),
  ...[1, 'true', null].map((value): [string, unknown] => ['useMlock', value]),
  ...[0, -1, Number.NaN, 1e20].map((value): [string, unknown] => ['maxPixels', value]),
  ...[0, 0.5, 300_001, '5'].map((value): [string, unknown] => ['mediaTimeoutMs', value]),
  ...[1, null].map((value): [string, unknown] => ['autoOrient', value]),
  ...[1, null].map((value): [string, unknown] => ['prefixCache', value]),
  ...['tile', true, null].map((value): [string, unknown] => ['multiImage', value]),
  ...[-1, 0.5, '1g', null].map((value): [string, unknown] => ['visualCacheBytes', value]),
  ...[-1, 0.5, '1g', null].map((value): [string, unknown] => ['prefixCacheBytes', value]),
  ...['', 5, null].map((value): [string, unknown] => ['visualCacheDir', value]),
  ...[1, null].map((value): [string, unknown] => ['prefixCache', value]),
  ...['', null].map((value): [string, unknown] => ['ffmpegPath', value]),
  ...['', null].map((value): [string, unknown] => ['ffprobePath', value]),
  ...[{}, new AbortController()].map((value): [string, unknown] => ['signal', value]),
  ...[{}, 'x'].map((value): [string, unknown] => ['onProgress', value]),
];

it.each(wrong)('%s refuses %s', (argument, received) => {
  expect(() => resolve({ [argument]: received })).toThrow(
    expect.objectContaining({ code: 'ERR_INVALID_ARGUMENT', argument, received }),
  );
});

describe('combinations', () => {
  it.each([
    ['a quantised v cache without flash attention', { kvType: 'q8_0', flashAttention: 'off' }],
    ['an unknown key in kvType', { kvType: { q: 'f16' } }],
    ['a wrong type in kvType', { kvType: { v: 'f8' } }],
    ['a log without write', { log: { level: 'info' } }],
    ['a log of an unknown level', { log: { level: 'all', write() {} } }],
    ['more sequences than positions per step', { batchSize: 4, maxSequences: 5 }],
    ['an unknown option', { ctxSize: 1 }],
  ])('refuses %s', (_, options) => {
    expect(() => resolve(options)).toThrow(
      expect.objectContaining({ code: 'ERR_INVALID_ARGUMENT' }),
    );
  });

  it.each([[null], ['m.gguf'], [[]]])('refuses %j instead of options', (options) => {
    expect(() => resolveLoadOptions(options)).toThrow(
      expect.objectContaining({ code: 'ERR_INVALID_ARGUMENT', argument: 'options' }),
    );
  });
});

it.each([
  ['gpuLayers', { gpuLayers: 1 }],
  ['visionOnGpu', { visionOnGpu: true }],
])('refuses a GPU for the CPU: %s', (argument, options) => {
  expect(() => resolve({ backend: 'cpu', ...options })).toThrow(
    expect.objectContaining({ code: 'ERR_INVALID_ARGUMENT', argument }),
  );
});
