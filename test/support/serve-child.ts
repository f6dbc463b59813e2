/** `serve` as a process of its own, with what a system tells of it: memory, open files, children, temporary files. */
import { type ChildProcess, type SpawnOptions, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { MAIN } from './cli.js';
import { convertedFiles } from './golden.js';

export interface ServeChild {
  child: ChildProcess;
  /** With /v1. */
  base: string;
  /** Its temporary files lie here, and nobody else's. */
  temporary: string;
}

/** On the demo model; gone with the test, with all it left. */
export async function serveChild(flags: string[], env: object = {}): Promise<ServeChild> {
  const { model, mmproj } = await convertedFiles('demo', 'f16');
  const temporary = mkdtempSync(join(tmpdir(), 'serve-child-'));
  onTestFinished(() => rmSync(temporary, { recursive: true, force: true }));
  const own = ['--mmproj', mmproj, '--alias', 'demo'];
  const options = { env: { ...process.env, TMPDIR: temporary, ...env } };
  return { ...(await startServe([model, ...own, ...flags], options)), temporary };
}

/** On one thread and a port that is free. @returns when it answers, with what it then said */
export async function startServe(args: string[], options: SpawnOptions) {
  const own = ['--threads', '1', '--port', '0'];
  const stdio: SpawnOptions['stdio'] = ['ignore', 'pipe', 'ignore'];
  const child = spawn(process.execPath, [MAIN, 'serve', ...args, ...own], { stdio, ...options });
  onTestFinished(() => killed(child));
  const ended = once(child, 'exit').then(([status]) => {
    throw new Error(`serve ended with status ${status}`);
  });
  const [said] = await Promise.race([once(child.stdout!, 'data'), ended]);
  ended.catch(() => {});
  return { child, said: String(said), base: /http:\S+\/v1/.exec(String(said))![0] };
}

export async function killed(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = once(child, 'exit');
  child.kill('SIGKILL');
  await ended;
}

/** Of Linux: bytes in memory, open files, processes that it started. */
export function footprint(pid: number): { bytes: number; files: number; children: number[] } {
  const [, kib] = /VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))!;
  const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8');
  return {
    bytes: Number(kib) * 1024,
    files: readdirSync(`/proc/${pid}/fd`).length,
    children: children.split(' ').filter(Boolean).map(Number),
  };
}

export function isAlive(pid: number): boolean {
  try {
    return !/\) Z/.test(readFileSync(`/proc/${pid}/stat`, 'utf8'));
  } catch {
    return false;
  }
}

/** All that lies below a folder. */
export function filesIn(folder: string): string[] {
  return readdirSync(folder, { recursive: true }).map(String).sort();
}
