/** The code of a page of docs, run as it stands there. */
import { relative } from 'node:path';
import { transformWithOxc } from 'vite';
import { expect } from 'vitest';
import { PACKAGE_ROOT } from '../../src/addon/package-root.js';
import { fencesOf, RUN_BY } from './fences.js';

/** Whoever takes them runs all of them. @param language as its fences name it */
export function snippetsOf(page: string, language = 'ts'): string[] {
  const test = relative(`${PACKAGE_ROOT}/test`, expect.getState().testPath!).replaceAll('\\', '/');
  if (!RUN_BY[test]?.includes(`${page} ${language}`))
    throw new Error(`test/support/fences.ts does not say that ${test} runs ${page} ${language}`);
  return fencesOf(page)
    .filter((fence) => fence.language === language)
    .map(({ code }) => code);
}

/** The words of each command, as a shell would see them: without comments, quotes, `npx` and ends of lines that go on. */
export function commandsOf(code: string): string[][] {
  const lines = code.replaceAll('\\\n', ' ').trim().split('\n');
  return lines.map((line) => {
    const command = line.replace(/ +# .*$/, '').replace(/^npx /, '');
    const words = command.matchAll(/'([^']*)'|"([^"]*)"|(\S+)/g);
    return Array.from(words, ([, single, double, plain]) => single ?? double ?? plain!);
  });
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
