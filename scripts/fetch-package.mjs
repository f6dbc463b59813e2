import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync } from 'node:fs';
import path from 'node:path';
import { Failure } from './build/failure.mjs';

function run(command, args, options) {
  const shell = process.platform === 'win32'; // npm is a .cmd file there
  const { status, stderr } = spawnSync(command, args, { encoding: 'utf8', shell, ...options });
  if (status !== 0) throw new Failure(`${command} ${args.join(' ')}\n${stderr?.trim()}`);
}

/**
 * Unpacks a package of npm into `folder`, once, whatever platform it is for: npm install would refuse another's.
 * @returns folder @throws Failure
 */
export function fetchPackage(spec, folder) {
  if (existsSync(path.join(folder, 'package.json'))) return folder;
  console.error(`Fetching ${spec}`);
  mkdirSync(path.dirname(folder), { recursive: true });
  const temporary = mkdtempSync(`${folder}-`);
  try {
    run('npm', ['pack', spec, '--pack-destination', temporary, '--loglevel', 'error']);
    const tarball = readdirSync(temporary).find((name) => name.endsWith('.tgz'));
    run('tar', ['xzf', tarball], { cwd: temporary });
    renameSync(path.join(temporary, 'package'), folder);
  } finally {
    rmSync(temporary, { recursive: true, force: true });
  }
  return folder;
}
