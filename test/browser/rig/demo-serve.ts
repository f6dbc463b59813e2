/** `serve` as its users start it, on the demo model: a process that can be taken away and come back at the same address. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { MAIN } from '../../support/cli.js';
import { convertedFiles } from '../../support/golden.js';

export interface DemoServe {
  /** Of the page, as `serve` prints it. */
  url: string;
  /** At the same address. */
  start(): Promise<void>;
  stop(): Promise<void>;
}

export async function demoServe(flags: string[] = []): Promise<DemoServe> {
  const { model, mmproj } = await convertedFiles('demo', 'f16');
  const own = ['--mmproj', mmproj, '--threads', '1', '--context-size', '8192', '--alias', 'demo'];
  let child: ChildProcess | undefined;
  const serve: DemoServe = {
    url: '',
    async start() {
      const port = serve.url === '' ? '0' : new URL(serve.url).port;
      const args = [MAIN, 'serve', model, ...own, '--port', port, '--drain', '0', ...flags];
      child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'ignore'] });
      let said = '';
      for await (const chunk of child.stdout!) {
        said += chunk;
        const found = /chat page is at (\S+)\n/.exec(said)?.[1];
        if (found === undefined) continue;
        serve.url = found;
        return;
      }
      throw new Error(`serve ended: ${said}`);
    },
    async stop() {
      if (!child || child.exitCode !== null) return;
      child.kill('SIGKILL');
      await once(child, 'exit');
    },
  };
  await serve.start();
  return serve;
}
