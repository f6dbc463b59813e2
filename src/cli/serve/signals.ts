/** How the system tells a server to end, or to read its keys again. */
import type { FastifyInstance } from 'fastify';

/** Returns when the server has been closed by a signal; a second one ends the process at once. */
export async function untilStopped(
  app: FastifyInstance,
  reload: (() => Promise<void>) | undefined,
): Promise<void> {
  const onHangUp = () => {
    reload?.().then(
      () => app.log.info('keys read again'),
      (error: Error) => process.stderr.write(`The keys stay as they were: ${error.message}\n`),
    );
  };
  process.on('SIGHUP', onHangUp);
  await new Promise<void>((resolve) => {
    process.once('SIGTERM', () => resolve()).once('SIGINT', () => resolve());
  });
  const giveUp = () => process.exit(1);
  process.once('SIGTERM', giveUp).once('SIGINT', giveUp);
  await app.close();
  process.off('SIGTERM', giveUp).off('SIGINT', giveUp).off('SIGHUP', onHangUp);
}
