// Runs each fuzz test for as long as asked; `npm test` runs them for a few seconds with a fixed seed.
//
//   npm run fuzz -- [--seconds 300] [--seed N]
import { spawnSync } from 'node:child_process';
import { parseArgs } from 'node:util';

const { values } = parseArgs({
  options: {
    seconds: { type: 'string', default: '300' },
    seed: { type: 'string', default: String(Date.now() % 2 ** 31) },
  },
});
console.log(`seed ${values.seed}`);
const files = [
  'test/unit/fuzz-headers.test.ts',
  'test/unit/fuzz-json.test.ts',
  'test/addon/fuzz-rows.test.ts',
  'test/addon/lora-files.test.ts',
];
const { status } = spawnSync('npx', ['vitest', 'run', ...files], {
  stdio: 'inherit',
  env: { ...process.env, FUZZ_SECONDS: values.seconds, FUZZ_SEED: values.seed },
});
process.exitCode = status ?? 1;
