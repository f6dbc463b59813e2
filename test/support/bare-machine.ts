/** An empty folder of an app on a machine with Node, npm and nothing else. */
import { spawn } from 'node:child_process';
import { mkdirSync, realpathSync, statSync, symlinkSync } from 'node:fs';
import { delimiter, dirname, join } from 'node:path';
import { run } from './packed.js';

export interface BareMachine {
  app: string;
  npmInstall(...names: string[]): Promise<{ status: unknown; output: string }>;
  /** Node with these arguments, in the app. */
  inApp(args: string[]): ReturnType<typeof run>;
}

/** @param registry where npm finds packages */
export function bareMachine(folder: string, registry: string): BareMachine {
  const app = join(folder, 'app');
  mkdirSync(app);
  // What a machine without compilers has on its path.
  const path = join(folder, 'bin');
  mkdirSync(path);
  symlinkSync(process.execPath, join(path, 'node'));
  if (process.platform !== 'win32') symlinkSync('/bin/sh', join(path, 'sh'));
  // Nothing of this process's environment, in which npm leaves its own.
  const env = {
    ...{ PATH: path, HOME: folder, USERPROFILE: folder, SystemRoot: process.env.SystemRoot },
    ...{ npm_config_registry: registry, npm_config_cache: join(folder, 'cache') },
    ...{ npm_config_audit: 'false', npm_config_fund: 'false' },
    npm_config_update_notifier: 'false',
  };
  return {
    app,
    inApp: (args) => run(process.execPath, args, { cwd: app, env }),
    // Not spawnSync: this process has to answer as the registry.
    async npmInstall(...names) {
      const child = spawn(process.execPath, [findNpm(), 'install', ...names], { cwd: app, env });
      let output = '';
      for (const stream of [child.stdout, child.stderr])
        stream.on('data', (chunk) => {
          output += chunk;
        });
      const status = await new Promise((resolve) => child.on('close', resolve));
      return { status, output };
    },
  };
}

/** The one that this machine has. */
function findNpm(): string {
  const [found] = (process.env.PATH ?? '')
    .split(delimiter)
    .map((one) => join(one, 'npm'))
    .filter((file) => statSync(file, { throwIfNoEntry: false }));
  const cli = process.env.npm_execpath ?? (found && realpathSync(found));
  return cli ?? join(dirname(process.execPath), 'node_modules/npm/bin/npm-cli.js');
}
