// What jsonSchemaToGrammar makes of real schemas: which it keeps, which it refuses and why, and whether the grammars
// admit all valid instances and no invalid one, as llama.cpp's matcher says.
//
//   npm run bench:schema -- FILE... [--suite DIR]... [--list] [--json]
//
// FILE: JSON lines, gzipped or not, of { name, schema, tests: [{ valid, data }] }. --suite: a draft's folder of the
// JSON-Schema-Test-Suite, whose optional tests are left out. --list: every case that does not pass.
import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { gunzipSync } from 'node:zlib';
import { native } from '../dist/src/addon/load-addon.js';
import { jsonSchemaToGrammar } from '../dist/src/grammar/json-schema-to-grammar.js';
import { members, parted, spaced } from './json-source.mjs';
import { suiteCases } from './schema-suite.mjs';

const { values: options, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    suite: { type: 'string', multiple: true, default: [] },
    list: { type: 'boolean', default: false },
    json: { type: 'boolean', default: false },
  },
});

/** Cases with instances as the text that MaskBench writes. */
function fileCases(file) {
  const bytes = readFileSync(file);
  const text = (bytes[0] === 0x1f ? gunzipSync(bytes) : bytes).toString('utf8');
  return text
    .split('\n')
    .filter((line) => line.trim() !== '')
    .map((line) => {
      const { name, schema, tests } = members(line);
      return {
        name: JSON.parse(name),
        schema: JSON.parse(schema),
        tests: parted(tests).map((test) => {
          const { valid, data } = members(test);
          return { isValid: JSON.parse(valid), text: spaced(data) };
        }),
      };
    });
}

function compile(schema) {
  const start = performance.now();
  try {
    return { grammar: jsonSchemaToGrammar(schema), ms: performance.now() - start };
  } catch (error) {
    if (error.code !== 'ERR_SCHEMA') throw error;
    return { error, ms: performance.now() - start };
  }
}

/** The outcome of a case: 'passed', 'refused', 'accepts' (wrongly) or 'rejects' (wrongly). */
async function judge({ name, schema, tests }) {
  const { grammar, error, ms } = compile(schema);
  if (error) return { name, outcome: 'refused', ms, keyword: error.keyword, why: error.message };
  const { Grammar } = native();
  const parsing = performance.now();
  const handle = new Grammar(grammar);
  const parseMs = performance.now() - parsing;
  const wrong = [];
  for (const { isValid, text } of tests) {
    if ((await handle.matches(text)) !== isValid) wrong.push({ isValid, text });
  }
  await handle.dispose();
  const outcome = wrong.some(({ isValid }) => !isValid)
    ? 'accepts'
    : wrong.length > 0
      ? 'rejects'
      : 'passed';
  return { name, outcome, ms, parseMs, bytes: grammar.length, wrong };
}

const quantile = (sorted, share) =>
  sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))];

function report(title, results) {
  const of = (outcome) => results.filter((result) => result.outcome === outcome);
  const refused = {};
  for (const { keyword } of of('refused')) refused[keyword] = (refused[keyword] ?? 0) + 1;
  const times = results.map(({ ms }) => ms).sort((a, b) => a - b);
  return {
    title,
    cases: results.length,
    passed: of('passed').length,
    refused: Object.fromEntries(Object.entries(refused).sort((a, b) => b[1] - a[1])),
    wronglyAccepted: of('accepts').length,
    wronglyRefused: of('rejects').length,
    compileMs: { p50: quantile(times, 0.5), p99: quantile(times, 0.99), most: times.at(-1) },
  };
}

function print({ title, cases, passed, refused, wronglyAccepted, wronglyRefused, compileMs }) {
  const share = (count) => `${count} (${((100 * count) / cases).toFixed(1)} %)`;
  const allRefused = Object.values(refused).reduce((sum, count) => sum + count, 0);
  const ms = (value) => `${value.toFixed(2)} ms`;
  console.log(`${title}: ${cases} cases`);
  console.log(`  passed           ${share(passed)}`);
  console.log(`  refused          ${share(allRefused)}`);
  for (const [keyword, count] of Object.entries(refused)) console.log(`    ${keyword}: ${count}`);
  console.log(`  wrongly accepted ${share(wronglyAccepted)}`);
  console.log(`  wrongly refused  ${share(wronglyRefused)}`);
  console.log(
    `  compile p50 ${ms(compileMs.p50)}, p99 ${ms(compileMs.p99)}, most ${ms(compileMs.most)}`,
  );
}

const sets = [
  ...positionals.map((file) => [file, fileCases(file)]),
  ...options.suite.map((folder) => [folder, suiteCases(folder)]),
];
for (const [title, cases] of sets) {
  const results = [];
  for (const one of cases) results.push(await judge(one));
  const table = report(title, results);
  if (options.json) console.log(JSON.stringify(table));
  else print(table);
  if (!options.list) continue;
  for (const result of results) {
    if (result.outcome !== 'passed') console.log(JSON.stringify(result).slice(0, 600));
  }
}
