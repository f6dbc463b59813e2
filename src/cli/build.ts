import { spawnSync } from 'node:child_process';
import path from 'node:path';
import { Command } from 'commander';
import { PACKAGE_ROOT } from '../addon/package-root.js';

const SCRIPT = path.join(PACKAGE_ROOT, 'scripts', 'build', 'build-native.mjs');

/** `build [options]`: the script that compiles the addon, which reads its options itself. */
export function buildCommand(): Command {
  return new Command('build')
    .description('compile the native addon on this machine, for instance with --cuda')
    .argument('[options...]', 'those of npm run build:native')
    .allowUnknownOption()
    .addHelpText('after', () => `\n${run(['--help'], 'pipe').stdout}`)
    .action((_options, _flags, command: Command) => {
      // Commander would take the -- before CMake's options.
      const options = process.argv.slice(process.argv.indexOf('build') + 1);
      if (command.optsWithGlobals().quiet && !options.includes('--quiet'))
        options.unshift('--quiet');
      process.exitCode = run(options, 'inherit').status ?? 1;
    });
}

function run(options: string[], stdio: 'inherit' | 'pipe') {
  return spawnSync(process.execPath, [SCRIPT, ...options], { stdio, encoding: 'utf8' });
}
