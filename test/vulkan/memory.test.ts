// What is estimated before a load against what the device is then asked for, and a device that refuses.
import { spawnSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { backendFor } from '../../src/addon/load-addon.js';
import { PACKAGE_ROOT } from '../../src/addon/package-root.js';
import { loadEngine } from '../../src/load/load-engine.js';
import { type LoadOptions, resolveLoadOptions } from '../../src/load/load-options.js';
import { planLoad, readModelFiles } from '../../src/load/load-plan.js';
import { convertedFiles } from '../support/golden.js';
import { skipUnless } from '../support/skip-unless.js';

/** "Vulkan0 KV buffer size =     6.00 MiB", in bytes. */
const BUFFER = /(\w+) +(model|KV|compute) buffer size = +([\d.]+) MiB/;

async function loadLogged(options: Partial<LoadOptions>) {
  const lines: string[] = [];
  const write = (_: string, text: string) => void lines.push(text);
  const settings = resolveLoadOptions({
    ...(await convertedFiles('demo', 'f16')),
    ...{ backend: 'vulkan', visionOnGpu: true, contextSize: 4096, log: { level: 'info', write } },
    ...options,
  });
  const files = await readModelFiles(settings);
  const addon = backendFor('vulkan');
  const plan = planLoad(files, settings, addon);
  const engine = await loadEngine(files, plan, { settings, binding: addon.binding });
  const tower = engine.tower!.encoder.size;
  await new Promise((resolve) => setTimeout(resolve, 200)); // lines of the log are under way
  for (const handle of [engine.tower!.encoder, engine.context, engine.model, engine.pool])
    await handle.dispose();
  addon.binding.setLog('error', null);
  const device = plan.memory.devices[0]!;
  const taken = { model: 0, KV: 0, compute: 0 };
  for (const line of lines) {
    const [, name, part, size] = BUFFER.exec(line) ?? [];
    if (name === device.name) taken[part as keyof typeof taken] += Number(size) * 2 ** 20;
  }
  return { device, taken, tower };
}

describe('the estimate', () => {
  it.each([
    { gpuLayers: 4 },
    { gpuLayers: 4, kvType: 'q8_0' },
    { gpuLayers: 4, kvType: 'f32' },
    { gpuLayers: 1 },
    { gpuLayers: 3, flashAttention: 'off' },
  ] as const)('with %j is what the device is asked for', async (options) => {
    const { device, taken, tower } = await loadLogged(options);
    expect(device.layers).toBe(options.gpuLayers);
    // The log has two decimals.
    expect(Math.abs(taken.model - device.weights)).toBeLessThan(1e4);
    expect(Math.abs(taken.KV - device.kvCache)).toBeLessThan(1e4);
    expect(taken.compute).toBeLessThan(device.compute * 1.05);
    expect(taken.compute).toBeGreaterThan(device.compute / 2);
    expect(tower).toBeLessThan(device.vision);
    expect(tower).toBeGreaterThan(device.vision / 4);
  });
});

/** A software device's memory is the process's, which can limit itself: the driver then refuses, as a full card's does. */
const onLinux = skipUnless(process.platform === 'linux', 'needs Linux');

it('a device that refuses the cache', onLinux, async () => {
  const { model } = await convertedFiles('demo', 'f16');
  const script = `
    import { spawnSync } from 'node:child_process';
    import { readFileSync } from 'node:fs';
    import { createRequire } from 'node:module';
    const [, path, root] = process.argv;
    const binding = createRequire(root)(process.env.LLAVAOV_BINDING);
    const files = { path, gpuLayers: 99, mmap: true, mlock: false, vocabOnly: false, devices: ['Vulkan0'] };
    const model = await binding.loadModel(files, null, null);
    const pool = new binding.ThreadPool(1);
    const sizes = { nBatch: 32, nUbatch: 32, nSeqMax: 1 };
    const types = { kvTypeK: 'f16', kvTypeV: 'f16', flashAttention: 'auto' };
    const create = (nCtx) => binding.createContext(model, pool, { nCtx, ...sizes, ...types });
    const [, size] = /VmSize:\\s+(\\d+) kB/.exec(readFileSync('/proc/self/status', 'utf8'));
    const limit = (Number(size) + 200 * 1024) * 1024;
    spawnSync('prlimit', ['--pid', String(process.pid), '--as=' + limit]);
    const { code, needed, available, message } = await create(2 ** 18).catch((error) => error);
    const context = await create(256);
    console.log(JSON.stringify({ code, needed, available, message, nCtx: context.nCtx }));
  `;
  const args = ['--input-type=module', '--eval', script, model, PACKAGE_ROOT];
  const { status, stdout } = spawnSync(process.execPath, args, { encoding: 'utf8' });
  expect(status).toBe(0);
  expect(JSON.parse(stdout)).toEqual({
    ...{ code: 'ERR_OUT_OF_MEMORY', needed: 2 ** 18 * 3 * 2 * 128 * 2, nCtx: 256 },
    available: expect.any(Number),
    message: expect.stringMatching(/KV cache takes 403 MB.*Vulkan0 has \d+ of \d+ MB free/),
  });
});
