/** The code of a page of docs, run as it stands there. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { transformWithOxc } from 'vite';
import { PACKAGE_ROOT } from '../../src/addon/package-root.js';

/** @param language as its fences name it */
export function snippetsOf(page: string, language = 'ts'): string[] {
  const text = readFileSync(join(PACKAGE_ROOT, 'docs', page), 'utf8');
  const blocks = text.matchAll(new RegExp(`\`\`\`${language}\\n(.*?)\`\`\``, 'gs'));
  return Array.from(blocks, ([, code]) => code!);
}

/** @param given what the page says is there, and what the snippet imports @returns what it printed, a line each */
export async function runSnippet(
  code: string,
  given: Readonly<Record<string, unknown>>,
): Promise<string> {
  const printed: string[] = [];
  const log = (...values: unknown[]) => printed.push(values.map(String).join(' '));
  const write = (text: string) => printed.push(text);
  const values = { console: { log, error: log }, process: { stdout: { write } }, ...given };
  const body = code.replace(/^import .*\n/gm, '');
  const source = `export default async ({ ${Object.keys(values).join(', ')} }) => {\n${body}\n};`;
  const { code: plain } = await transformWithOxc(source, 'snippet.ts');
  const url = `data:text/javascript,${encodeURIComponent(plain)}`;
  const { default: snippet } = await import(/* @vite-ignore */ url);
  await snippet(values);
  return printed.join('\n');
}
