// The names by which examples/llm-d reads our gauges are those of /metrics.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { PACKAGE_ROOT } from '../../src/addon/package-root.js';
import { serving } from '../support/serving.js';

it('llm-d reads gauges that there are', async () => {
  const config = readFileSync(join(PACKAGE_ROOT, 'examples/llm-d/epp.yaml'), 'utf8');
  const names = Array.from(config.matchAll(/Spec: (\w+)/g), ([, name]) => name!);
  expect(names).toHaveLength(3);
  const { app } = await serving();
  const { body } = await app.inject('/metrics');
  for (const name of names) expect(body).toMatch(new RegExp(`^# TYPE ${name} gauge$`, 'm'));
});
