/** A failure whose message is meant for the person at the terminal: printed alone, without a stack. */
export class Failure extends Error {
  name = 'Failure';
  status = 1;
}

/** Options that do not exist or do not fit. */
export class UsageFailure extends Failure {
  status = 2;
}

/** Runs a script's body; a Failure ends it with its message and status 1 (2 for wrong usage), anything else with its stack. */
export async function main(body) {
  try {
    await body();
  } catch (error) {
    console.error(error instanceof Failure ? `\n${error.message}` : error);
    process.exitCode = error.status ?? 1;
  }
}
