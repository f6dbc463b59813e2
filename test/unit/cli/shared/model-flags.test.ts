/** The options about GPUs that commands share, and what they print of them. */
import { Command } from 'commander';
import { describe, expect, test } from 'vitest';
import { devices } from '../../../../src/addon/devices.js';
import { addGpuOptions, addModelOptions } from '../../../../src/cli/shared/model-flags.js';
import { describeDevices } from '../../../../src/cli/shared/stats.js';

const parse = (...args: string[]) => parsed(addGpuOptions(new Command('x')), args);

const parsed = (command: Command, args: string[]) =>
  command
    .exitOverride()
    .configureOutput({ writeErr: () => {} })
    .parse(args, { from: 'user' })
    .opts();

test('GPUs by name, with shares and a main one', () => {
  expect(parse('--devices', 'CUDA0, CUDA1', '--tensor-split', '3,1.5')).toEqual({
    ...{ devices: ['CUDA0', 'CUDA1'], tensorSplit: [3, 1.5] },
  });
  expect(parse('--device', 'CUDA1', '--main-device', 'CUDA1', '--gpu-layers', 'auto')).toEqual({
    ...{ devices: ['CUDA1'], mainDevice: 'CUDA1', gpuLayers: 'auto' },
  });
});

test('machines that take layers', () => {
  const args = ['--rpc', '10.0.0.2:50052', '--rpc', 'b:1'];
  expect(parsed(addModelOptions(new Command('x')), args)).toEqual({
    rpcServers: ['10.0.0.2:50052', 'b:1'],
  });
});

describe('what is no list', () => {
  test.each([
    ['--devices', 'CUDA0,,CUDA1', /commas between/],
    ['--devices', '', /commas between/],
    ['--tensor-split', '3;1', /Not a number/],
    ['--tensor-split', '3,', /Not a number/],
    ['--backend', 'opencl', /cuda/],
  ])('%s %j', (flag, value, message) => {
    expect(() => parse(flag, value)).toThrow(message);
  });
});

test('--verbose has a line for each GPU', () => {
  const sum = { weights: 0, kvCache: 0, compute: 0, vision: 0, pictures: 0, host: 0, gpu: 0 };
  const device = { name: 'CUDA0', free: 8e9, layers: 24, weights: 1e9, kvCache: 2e8 };
  const rest = { compute: 1e8, vision: 0, margin: 5e8 };
  expect(describeDevices({ ...sum, devices: [] })).toBe('');
  expect(describeDevices({ ...sum, devices: [{ ...device, ...rest }] })).toBe(
    'CUDA0: 8.00 GB free; 24 layers, weights 1.00 GB, KV cache 200 MB, compute buffers 100 MB, left free 500 MB\n',
  );
});

test('devices() takes a backend', () => {
  expect(() => devices('opencl' as 'cpu')).toThrow(
    expect.objectContaining({ code: 'ERR_INVALID_ARGUMENT', argument: 'backend' }),
  );
});
