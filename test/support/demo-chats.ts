/** Questions about the golden pictures, and scripts that chat with the demo model in a process of their own. */
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { PACKAGE_ROOT } from '../../src/addon/package-root.js';
import type { Message } from '../../src/index.js';
import type { ChildResult } from './child.js';
import { convertedFiles, goldenCases } from './golden.js';

export const PICTURE = join(PACKAGE_ROOT, 'test/golden/media/d1-1.png');

/** Conversations about one picture each. */
export function demoMessages(count: number): Message[][] {
  return goldenCases('demo')
    .filter(({ dialect, media }) => dialect === 'llava-next' && media.length === 1)
    .filter(({ media }) => media[0]!.kind === 'image')
    .slice(0, count)
    .map(({ messages }) => messages);
}

/** What scripts start with: the built package, the demo model's files and a question. */
export async function demoPrelude(): Promise<string> {
  const index = pathToFileURL(join(PACKAGE_ROOT, 'dist/src/index.js')).href;
  const files = await convertedFiles('demo', 'f16');
  return `
    const { LlavaOneVision } = await import(${JSON.stringify(index)});
    const load = (options) => LlavaOneVision.load(
      { ...${JSON.stringify(files)}, contextSize: 4096, threads: 1, ...options });
    const messages = [{ role: 'user', content: [
      { type: 'image', image: ${JSON.stringify(PICTURE)} },
      { type: 'text', text: 'Describe the image.' },
    ] }];
    // Without these ids no answer ends by itself.
    const endless = { maxTokens: 3000, logitBias: { 1256: -Infinity, 1258: -Infinity } };
  `;
}

export async function runDemo(script: string, flags: string[] = []): Promise<ChildResult> {
  const source = (await demoPrelude()) + script;
  const args = [...flags, '--input-type=module', '--eval', source];
  const child = spawnSync(process.execPath, args, { encoding: 'utf8', timeout: 110_000 });
  const { status, signal, stdout, stderr } = child;
  return { status, signal, stdout, stderr };
}
