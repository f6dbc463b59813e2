/** Where `serve` listens: tried before a model is loaded, and what the system says against it in words that name the flag. */
import { once } from 'node:events';
import { createServer } from 'node:net';
import { LlavaError } from '../../errors.js';

export interface Address {
  host: string;
  port: number;
}

/** @throws ERR_INVALID_ARGUMENT */
export async function tryAddress({ host, port }: Address): Promise<void> {
  const server = createServer();
  try {
    await once(server.listen({ host, port }), 'listening');
  } catch (error) {
    throw listenError(error as Error, { host, port });
  }
  await new Promise((resolve) => server.close(resolve));
}

export function listenError(error: NodeJS.ErrnoException, { host, port }: Address): LlavaError {
  const [argument, message] = complaint(error, host, port);
  return new LlavaError('ERR_INVALID_ARGUMENT', message, { argument }, { cause: error });
}

function complaint(
  { code, message }: NodeJS.ErrnoException,
  host: string,
  port: number,
): ['host' | 'port', string] {
  switch (code) {
    case 'EADDRINUSE':
      return [
        'port',
        `another program listens at port ${port} of ${host}; give another one, or --port 0 for any that is free`,
      ];
    case 'EACCES':
      return [
        'port',
        `this user may not listen at port ${port}; give one from 1024 on, or --port 0 for any that is free`,
      ];
    case 'EADDRNOTAVAIL':
    case 'ENOTFOUND':
      return [
        'host',
        `${host} is no address of this machine; 127.0.0.1 is for its own programs, 0.0.0.0 for other machines too`,
      ];
    default:
      return ['host', `cannot listen at port ${port} of ${host}: ${message}`];
  }
}
