import { expect, test } from 'vitest';
import { networkError } from '../../../src/hub/hub-error.js';
import { ignoredProxy } from '../../../src/hub/proxy.js';

const proxy = { HTTPS_PROXY: 'http://proxy:3128' };

test.each([
  ['no proxy', {}, '20.19.0', [], undefined],
  ['a Node that cannot', proxy, '20.20.2', [], /Node 20\.20\.2 does not look at it/],
  ['the same, asked to', { ...proxy, NODE_USE_ENV_PROXY: '1' }, '22.12.0', [], /does not look/],
  ['23', { https_proxy: 'x' }, '23.11.0', [], /https_proxy is set.*does not look/],
  ['a Node that is not asked to', proxy, '22.21.0', [], /only with NODE_USE_ENV_PROXY=1/],
  ['asked by the environment', { ...proxy, NODE_USE_ENV_PROXY: '1' }, '24.5.0', [], undefined],
  ['asked by a flag', proxy, '26.1.0', ['--use-env-proxy'], undefined],
  ['asked by NODE_OPTIONS', { ...proxy, NODE_OPTIONS: '--use-env-proxy' }, '24.9.0', [], undefined],
] as const)('%s', (_, env, version, flags, expected) => {
  const said = ignoredProxy(env, { version, flags: [...flags] });
  if (expected) expect(said).toMatch(expected);
  else expect(said).toBeUndefined();
});

test('a connection that fails says so', () => {
  const before = process.env.HTTPS_PROXY;
  process.env.HTTPS_PROXY = 'http://proxy:3128';
  const asked = {
    repo: 'a/b',
    revision: 'main',
    endpoint: 'https://huggingface.co',
    hasToken: false,
  };
  const { message } = networkError(new Error('timed out'), asked);
  if (before === undefined) delete process.env.HTTPS_PROXY;
  else process.env.HTTPS_PROXY = before;
  expect(message).toContain('HTTPS_PROXY is set');
});
