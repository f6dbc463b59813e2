/** The chat page for whoever started the server: where it is, and its window in the browser of this machine. */
import { spawn } from 'node:child_process';

/** Where a browser of this machine finds the page; none of them goes to "any address". */
export function pageUrl(serverUrl: string): string {
  const url = new URL('/', serverUrl);
  if (url.hostname === '0.0.0.0' || url.hostname === '[::]') url.hostname = 'localhost';
  return url.href;
}

/** A line of what `serve` prints. */
export function pageLine(url: string, isBuilt: boolean): string {
  return isBuilt
    ? `The chat page is at ${url}\n`
    : 'There is no chat page: it was not built with this package (npm run build:page)\n';
}

/** Does not wait for the browser. A failure is a line on stderr, for the server goes on. */
export function openInBrowser(
  url: string,
  { platform, env }: Pick<typeof process, 'platform' | 'env'> = process,
): void {
  const [program, ...args] = opener(url, platform);
  const onFailure = (why: string) =>
    process.stderr.write(`No browser could be opened (${program}: ${why}); go to ${url}\n`);
  const child = spawn(program, args, { stdio: 'ignore', detached: true, env });
  child.on('error', (error: NodeJS.ErrnoException) => onFailure(error.code ?? error.message));
  child.on('exit', (status) => status && onFailure(`status ${status}`));
  child.unref();
}

/** The URL is ours: a scheme, an address and a port, nothing that a shell would read. */
function opener(url: string, platform: NodeJS.Platform): [string, ...string[]] {
  if (platform === 'darwin') return ['open', url];
  if (platform === 'win32') return ['cmd.exe', '/d', '/c', 'start', '', url];
  return ['xdg-open', url];
}
