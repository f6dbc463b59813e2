/** Runs the built command line as its users do, but quiet: what it tells of progress depends on the machine's speed. */
import { spawn } from 'node:child_process';
import { join } from 'node:path';

export const MAIN = join(import.meta.dirname, '../../dist/src/cli/main.js');

export interface Outcome {
  status: number | null;
  stdout: string;
  stderr: string;
}

export interface CliOptions {
  /** What stdin says; '' by default. */
  stdin?: string | Uint8Array;
  env?: Record<string, string>;
  cwd?: string;
  /** Sends SIGINT when the first output arrives. */
  interrupt?: boolean;
}

export async function cli(args: string[], options: CliOptions = {}): Promise<Outcome> {
  const child = spawn(process.execPath, [MAIN, '--quiet', ...args], {
    env: { ...process.env, ...options.env },
    ...(options.cwd !== undefined && { cwd: options.cwd }),
  });
  const outcome: Outcome = { status: null, stdout: '', stderr: '' };
  child.stdout.on('data', (chunk) => {
    if (options.interrupt && outcome.stdout === '') child.kill('SIGINT');
    outcome.stdout += chunk;
  });
  child.stderr.on('data', (chunk) => {
    outcome.stderr += chunk;
  });
  child.stdin.end(options.stdin ?? '');
  outcome.status = await new Promise((resolve) => child.on('close', resolve));
  return outcome;
}
