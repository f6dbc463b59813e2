/**
 * What README and docs show as code: its fences, each of a kind, and which test runs those that are run. `usage` (what a
 * command takes) and `console` (what needs a network, a compiler, a GPU or another machine) are read by tests of their own,
 * `text` is output or a drawing.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { PACKAGE_ROOT } from '../../src/addon/package-root.js';

export interface Fence {
  page: string;
  /** Of its first line, from 1. */
  line: number;
  language: string;
  code: string;
}

export const READ_ONLY = ['usage', 'console', 'text'];

/** By the test's path: all fences of a language on a page. */
export const RUN_BY: Readonly<Record<string, readonly string[]>> = {
  'addon/ai-sdk.test.ts': ['docs/ai-sdk.md ts'],
  'addon/langchain.test.ts': ['docs/langchain.md ts'],
  'addon/structured-answers.test.ts': ['docs/structured-answers.md ts'],
  'cli/batch.test.ts': ['docs/batch.md sh', 'docs/batch.md ts'],
  'cli/docs-commands.test.ts': [
    'README.md sh',
    'docs/chat-page.md sh',
    'docs/converting.md sh',
    'docs/eval.md sh',
    'docs/eval-scoring.md sh',
    'docs/getting-started.md sh',
    'docs/models.md sh',
    'docs/pull.md sh',
    'docs/scaling.md sh',
    'docs/structured-answers.md sh',
  ],
  'cli/docs-snippets.test.ts': [
    'docs/api.md ts',
    'docs/getting-started.md ts',
    'docs/install.md ts',
    'docs/install.md js',
    'docs/models.md ts',
    'docs/sessions.md ts',
    'docs/video-and-images.md ts',
  ],
  'cli/package.test.ts': ['README.md ts', 'docs/install.md sh'],
  'server/docs.test.ts': ['docs/server.md sh', 'docs/server.md ts'],
  'unit/eval/docs.test.ts': ['docs/eval.md ts'],
  'unit/verify/known-answers.test.ts': ['docs/cli.md json'],
};

/** All that people read, from the root. */
export function pages(): string[] {
  const below = ['docs', 'demo', 'examples'].flatMap((folder) =>
    readdirSync(join(PACKAGE_ROOT, folder), { recursive: true }).map(
      (name) => `${folder}/${String(name).replaceAll('\\', '/')}`,
    ),
  );
  return ['README.md', 'AGENTS.md', ...below].filter((name) => name.endsWith('.md')).sort();
}

export function pageText(page: string): string {
  return readFileSync(join(PACKAGE_ROOT, page), 'utf8');
}

export function fencesOf(page: string): Fence[] {
  const fences: Fence[] = [];
  let open: (Fence & { fence: string }) | undefined;
  for (const [index, line] of pageText(page).split('\n').entries()) {
    const [, fence, language] = /^ *(`{3,}|~{3,})(.*)$/.exec(line) ?? [];
    if (open && fence === open.fence) open = undefined;
    else if (open) open.code += `${line}\n`;
    else if (fence) {
      open = { page, line: index + 1, language: language!.trim(), code: '', fence };
      fences.push(open);
    }
  }
  if (open) throw new Error(`${page}: the fence of line ${open.line} has no end`);
  return fences;
}
