/**
 * Commands of the docs that no test can run, since they take a network, a compiler, a GPU or another machine: the scripts,
 * flags, files, packages and variables that they name are there. The same goes for commands within sentences.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { expect, test } from 'vitest';
import { PACKAGE_ROOT } from '../../../src/addon/package-root.js';
import { CPU_PACKAGES, GPU_PACKAGES, SCOPE } from '../../../src/addon/platform-packages.js';
import { createProgram } from '../../../src/cli/program.js';
import { commandOf, flagsIn, flagsOf } from '../../support/command-flags.js';
import { fencesOf, pages, pageText } from '../../support/fences.js';

const program = createProgram();
const at = (file: string) => join(PACKAGE_ROOT, file);
const read = (file: string) => readFileSync(at(file), 'utf8');
const manifest = JSON.parse(read('package.json'));
const packages = new Set([
  ...['llava-onevision', ...[...CPU_PACKAGES, ...GPU_PACKAGES].map((name) => `${SCOPE}/${name}`)],
  ...['dependencies', 'devDependencies', 'peerDependencies'].flatMap((kind) =>
    Object.keys(manifest[kind]),
  ),
]);
/** Where variables of the environment are read. */
const sources = ['src', 'scripts', 'examples'].flatMap((folder) =>
  readdirSync(at(folder), { recursive: true }).map((name) => join(folder, String(name))),
);
const isNamed = (variable: string) =>
  sources.some((file) => /\.(ts|mjs|cfg)$/.test(file) && read(file).includes(variable));
/** A variable of compilers; a program that npx fetches. */
const FOREIGN = ['CPATH', 'tsx'];

/** A script's flags, as it and the files that it imports read or explain them. */
function missingFlags(script: string, flags: string[]): string[] {
  const imports = Array.from(read(script).matchAll(/ from '(\.[^']+\.mjs)'/g), ([, path]) =>
    join(dirname(script), path!),
  );
  const text = [script, ...imports].map(read).join('\n');
  return flags.filter(
    (flag) => !new RegExp(`${flag}\\b|['"]?${flag.slice(2)}['"]?: \\{ type`).test(text),
  );
}

/** By the word that a command begins with: what of the rest is not there. */
const FAULTS: Record<string, (words: string[], page: string) => string[]> = {
  'llava-onevision': (words) => {
    const command = commandOf(program, words);
    if (!command) return words.slice(0, 1);
    const own = words.includes('--') ? words.slice(0, words.indexOf('--')) : words;
    return flagsIn(own.join(' ')).filter((flag) => !flagsOf(command).includes(flag));
  },
  node: ([file = '', ...words], page) => {
    if (existsSync(at(file))) return missingFlags(file, flagsIn(words.join(' ')));
    const isLinked = new RegExp(`\\]\\(\\.\\./examples/[\\w/-]*\\b${file}\\)`).test(pageText(page));
    return isLinked ? [] : [file];
  },
  npm: ([verb, ...words], page) => {
    if (verb === 'install') return words.filter((word) => !packages.has(word));
    if (verb !== 'run') return [];
    const [name = '', ...rest] = words;
    const script: string | undefined = manifest.scripts[name];
    if (script === undefined) return [name];
    const [, file] = /.*\bnode (\S+)/.exec(script) ?? [];
    const [, own = ''] = / -- (.*)/.exec(` ${rest.join(' ')} `.replace(/ -- -D.*/, '')) ?? [];
    return file === undefined ? [] : FAULTS.node!([file, ...own.split(' ')], page);
  },
  npx: ([name = '', ...words], page) =>
    name in FAULTS
      ? FAULTS[name]!(words, page)
      : [...FOREIGN, ...packages].includes(name) || existsSync(at(`node_modules/.bin/${name}`))
        ? []
        : [name],
  'build/Release/ggml-rpc-server': () => [],
  haproxy: ([, file = '']) => (existsSync(at(file)) ? [] : [file]),
  git: () => [],
  cd: () => [],
};

function faultsOf(line: string, page: string): string[] {
  const command = line
    .replace(/ +# .*$/, '')
    .replace(/="[^"]*"/g, '=…')
    .trim();
  return command.split(/ *(?:&&|>>.*) */).flatMap((one) => {
    const words = one.split(/\s+/).filter(Boolean);
    const start = words.findIndex((word) => !/^[A-Z_]+=/.test(word));
    const variables = words.slice(0, start).map((word) => word.split('=')[0]!);
    const unknown = variables.filter((name) => !FOREIGN.includes(name) && !isNamed(name));
    const [program = '', ...rest] = words.slice(Math.max(start, 0));
    if (words.length === 0) return [];
    return [...unknown, ...(FAULTS[program]?.(rest, page) ?? [program])];
  });
}

/** Of a page: its `console` fences, and what stands in backticks within sentences and begins with one of these programs. */
function commandsOf(page: string): string[] {
  const fences = fencesOf(page).filter(({ language }) => language === 'console');
  const text = pageText(page).replace(/^ *```.*?^ *```/gms, '');
  const inline = text.matchAll(/`((?:npm|npx|node|llava-onevision) [^`]+)`/g);
  return [
    ...fences.flatMap(({ code }) => code.trim().split('\n')),
    ...Array.from(inline, ([, command]) => command!),
  ];
}

test('what they name is there', () => {
  const wrong = pages().flatMap((page) =>
    commandsOf(page).flatMap((line) =>
      faultsOf(line, page).map((fault) => `${page}: ${fault} in ${line}`),
    ),
  );
  expect(wrong).toEqual([]);
});

test('what is not there is found', () => {
  const page = 'docs/scaling.md';
  for (const [line, ...faults] of [
    ['npm run nonsense', 'nonsense'],
    ['npm run build:native -- --cuda --cudda -- -DX=1', '--cudda'],
    ['npm install && NO_SUCH_THING=1 npx nonsense', 'NO_SUCH_THING', 'nonsense'],
    ['npm install nonsense', 'nonsense'],
    ['node enqueue.mjs && node nonsense.mjs', 'nonsense.mjs'],
    ['llava-onevision serve demo --opne', '--opne'],
    ['npx llava-onevision nonsense', 'nonsense'],
    ['nonsense', 'nonsense'],
  ] as [string, ...string[]][])
    expect(faultsOf(line, page)).toEqual(faults);
});
