/** The manifest that is published. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { repositoryOf, withPlatforms } from '../../../../scripts/release/pack-main.mjs';
import * as platforms from '../../../../src/addon/platform-packages.js';

const ROOT = join(import.meta.dirname, '../../../..');

describe('the published manifest', () => {
  test('keeps what it has and names the platform packages', () => {
    const given = {
      version: '1.2.3',
      scripts: { install: 'i', test: 't' },
      peerDependencies: { x: '1' },
    };
    const manifest = withPlatforms(given, platforms, {});
    expect(manifest.optionalDependencies['@llava-onevision/linux-x64']).toBe('1.2.3');
    expect(manifest.peerDependencies).toMatchObject({
      x: '1',
      '@llava-onevision/linux-x64-cuda': '1.2.3',
    });
    expect(manifest.peerDependenciesMeta['@llava-onevision/linux-x64-cuda'].optional).toBe(true);
    expect(manifest).not.toHaveProperty('scripts');
  });

  test('asks for a Node that loads ES modules by require', () => {
    const { engines } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'));
    // Not 21, nor 22 before 22.12, which do so behind a flag only.
    expect(engines.node).toBe('^20.19.0 || >=22.12.0');
  });

  test('names the repository of the workflow', () => {
    const env = { GITHUB_SERVER_URL: 'https://github.com', GITHUB_REPOSITORY: 'a/b' };
    expect(repositoryOf(env).repository?.url).toBe('git+https://github.com/a/b.git');
    expect(repositoryOf({})).toEqual({});
  });
});
