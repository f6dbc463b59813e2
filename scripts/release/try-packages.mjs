/**
 * Installs the main package and this platform's from a folder of tarballs into an empty folder, and asks the demonstration's
 * model a question there (`node scripts/release/try-packages.mjs DIR`). Takes npm's registry for the dependencies.
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { Failure, main } from '../failure.mjs';
import { npm } from '../npm.mjs';

const DEMO = fileURLToPath(new URL('../../demo', import.meta.url));

function find(folder, pattern) {
  const file = readdirSync(folder).find((name) => pattern.test(name));
  if (!file) throw new Failure(`${folder} has no ${pattern.source}`);
  return path.join(folder, file);
}

function cli(app, args) {
  const program = path.join(app, 'node_modules/llava-onevision/dist/src/cli/main.js');
  const { status, stdout, stderr } = spawnSync(process.execPath, [program, ...args], {
    ...{ cwd: app, encoding: 'utf8' },
  });
  if (status !== 0)
    throw new Failure(`llava-onevision ${args[0]} ended with ${status}:\n${stderr}${stdout}`);
  return stdout;
}

await main(async () => {
  const [folder] = process.argv.slice(2);
  if (!folder) throw new Failure('Usage: node scripts/release/try-packages.mjs DIR');
  const { platformName, thisPlatform } = await import('../../dist/src/platform-packages.js');
  const name = platformName(thisPlatform());
  const tarballs = [
    /^llava-onevision-\d.*\.tgz$/,
    new RegExp(`^llava-onevision-${name}-\\d.*\\.tgz$`),
  ];
  const app = mkdtempSync(path.join(os.tmpdir(), 'llava-onevision-try-'));
  try {
    writeFileSync(path.join(app, 'package.json'), '{ "private": true }\n');
    npm(
      ['install', '--ignore-scripts', ...tarballs.map((one) => find(path.resolve(folder), one))],
      {
        cwd: app,
      },
    );
    process.stdout.write(cli(app, ['doctor']));
    cli(app, ['convert', path.join(DEMO, 'checkpoint'), '--outdir', '.', '--name', 'demo']);
    const [{ picture, question, answer }] = JSON.parse(
      readFileSync(path.join(DEMO, 'questions.json'), 'utf8'),
    );
    const files = ['--model', 'demo-f16.gguf', '--mmproj', 'mmproj-demo-f16.gguf'];
    const asked = ['--image', path.join(DEMO, picture), '--prompt', question];
    const said = cli(app, ['run', ...files, ...asked]).trim();
    if (said !== answer) throw new Failure(`Asked ${question}, it said ${said}, not ${answer}.`);
    console.log(`Node ${process.version}: ${question} ${said}`);
  } finally {
    rmSync(app, { recursive: true, force: true });
  }
});
