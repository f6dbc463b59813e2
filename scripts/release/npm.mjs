/** Runs npm, the one that runs us or the one on the path; packs and unpacks. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, renameSync, rmSync } from 'node:fs';
import path from 'node:path';
import { Failure } from '../build/failure.mjs';

/** @returns what it prints @throws Failure with its output */
export function npm(args, { cwd, env, stdio = 'pipe' } = {}) {
  const client = process.env.npm_execpath ?? '';
  const isNpm = /npm-cli\.c?js$/.test(client);
  // npm is a .cmd file on Windows, which only a shell starts.
  const [command, before, shell] = isNpm
    ? [process.execPath, [client], false]
    : ['npm', [], process.platform === 'win32'];
  const { status, stdout, stderr, error } = spawnSync(command, [...before, ...args], {
    ...{ cwd, env, shell, stdio, encoding: 'utf8', maxBuffer: 1 << 26 },
  });
  if (status === 0) return stdout;
  const output = error?.message ?? `${stdout ?? ''}${stderr ?? ''}`;
  throw new Failure(`npm ${args.join(' ')} failed:\n${output.trim().slice(-3000)}`);
}

/** Packs a folder as it is. @returns the tarball's path in `out` */
export function npmPack(folder, out) {
  const temporary = mkdtempSync(path.join(out, '.pack-'));
  try {
    npm(['pack', '--ignore-scripts', '--pack-destination', temporary], { cwd: folder });
    const [name] = readdirSync(temporary);
    const tarball = path.join(out, name);
    renameSync(path.join(temporary, name), tarball);
    return tarball;
  } finally {
    rmSync(temporary, { recursive: true, force: true });
  }
}

/** @returns the folder inside `to` that holds what the tarball does */
export function unpack(tarball, to) {
  const { status, stderr } = spawnSync('tar', ['-xzf', tarball, '-C', to], { encoding: 'utf8' });
  if (status !== 0) throw new Failure(`tar could not unpack ${tarball}: ${stderr}`);
  return path.join(to, 'package');
}
