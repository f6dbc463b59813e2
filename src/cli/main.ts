#!/usr/bin/env node
/** Runs the command line, and says how failures end. */
import { type Command, CommanderError } from 'commander';
import { LlavaError } from '../errors.js';
import { createProgram } from './program.js';
import { withFlags } from './shared/flags.js';
import { Interrupted } from './shared/interrupt.js';

/** Whose flags an error may name. */
let running: Command | undefined;

/** Prints what the user needs of a failure and gives the exit status. */
function report(error: unknown): number {
  // Commander has printed its own; help and version end here too, with status 0.
  if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2;
  if (error instanceof Interrupted) return 130;
  const text =
    error instanceof LlavaError
      ? withFlags(error.message, running)
      : ((error as Error)?.stack ?? error);
  process.stderr.write(`${text}\n`);
  return 1;
}

// A reader that has seen enough (`| head`) is no failure.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') process.exit(0);
  process.stderr.write(`Cannot write the result to stdout: ${error.message}\n`);
  process.exit(1);
});

try {
  await createProgram((command) => {
    running = command;
  }).parseAsync();
} catch (error) {
  process.exitCode = report(error);
}
