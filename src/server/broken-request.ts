/** What is no HTTP, too large or too slow never becomes a request: the answer goes to the socket itself. */
import type { Socket } from 'node:net';
import { ApiError } from './api-error.js';

const STATUS: Readonly<Record<string, [number, string]>> = {
  HPE_HEADER_OVERFLOW: [431, 'Request Header Fields Too Large'],
  ERR_HTTP_REQUEST_TIMEOUT: [408, 'Request Timeout'],
};

export function answerBrokenRequest(error: Error & { code?: string }, socket: Socket): void {
  if (error.code === 'ECONNRESET' || socket.destroyed || !socket.writable) return;
  const [status, text] = STATUS[error.code ?? ''] ?? [400, 'Bad Request'];
  const { body } = new ApiError(status, `${text}.`, { code: 'bad_request' });
  const json = JSON.stringify(body);
  socket.end(
    `HTTP/1.1 ${status} ${text}\r\ncontent-type: application/json\r\nconnection: close\r\n` +
      `content-length: ${Buffer.byteLength(json)}\r\n\r\n${json}`,
    () => socket.destroy(),
  );
}
