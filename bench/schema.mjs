// What jsonSchemaToGrammar makes of real schemas: which it keeps, which it refuses and why, and whether the grammars
// admit all valid instances and no invalid one, as llama.cpp's matcher says.
//
//   npm run bench:schema -- FILE... [--list] [--json]
//
// FILE: JSON lines, gzipped or not, of { name, schema, tests: [{ valid, data }] }. --list: every case that does not pass.
// Time is by the clock, which is what a caller waits and wants an idle machine, and CPU time of all threads, garbage collection
// and the engine's own compiler included; one compile of each schema, in the order of the file. Memory is the most by which one compile makes the heap grow, in another process with the
// engine's own settings: what is held at once, and what was not collected yet.
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { GCProfiler } from 'node:v8';
import { gunzipSync } from 'node:zlib';
import { native } from '../dist/src/addon/load-addon.js';
import { admits } from '../dist/src/grammar/admits.js';
import { jsonSchemaToGrammar } from '../dist/src/grammar/json-schema-to-grammar.js';
import { scriptArgs } from '../scripts/script-args.mjs';
import { members, parted, spaced } from './json-source.mjs';

const { values: options, positionals } = scriptArgs(import.meta.filename, {
  allowPositionals: true,
  options: {
    list: { type: 'boolean', default: false },
    json: { type: 'boolean', default: false },
    memory: { type: 'boolean', default: false },
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

function cpuMs(since) {
  const { user, system } = process.cpuUsage(since);
  return (user + system) / 1000;
}

function compile(schema) {
  const start = process.cpuUsage();
  const begun = performance.now();
  const times = () => ({ clockMs: performance.now() - begun, cpuMs: cpuMs(start) });
  try {
    const grammar = jsonSchemaToGrammar(schema);
    return { grammar, ...times() };
  } catch (error) {
    if (error.code !== 'ERR_SCHEMA') throw error;
    return { error, ...times() };
  }
}

/** Megabytes by which each compile of a file makes the heap grow at most. */
function megabytes(file) {
  const own = new URL(import.meta.url).pathname;
  const { stdout, status, stderr } = spawnSync(
    process.execPath,
    ['--expose-gc', own, file, '--memory'],
    { encoding: 'utf8', maxBuffer: 2 ** 26 },
  );
  if (status !== 0) throw new Error(stderr);
  return JSON.parse(stdout);
}

function growth({ schema }) {
  globalThis.gc();
  const before = process.memoryUsage().heapUsed;
  const profiler = new GCProfiler();
  profiler.start();
  compile(schema);
  const after = process.memoryUsage().heapUsed;
  const { statistics } = profiler.stop();
  const used = statistics.map(({ beforeGC }) => beforeGC.heapStatistics.usedHeapSize);
  return (Math.max(after, ...used) - before) / 1e6;
}

/** The outcome of a case: 'passed', 'refused', 'accepts' (wrongly) or 'rejects' (wrongly). */
async function judge({ name, schema, tests }, { grammar, error, ...times }) {
  if (error)
    return { name, outcome: 'refused', ...times, keyword: error.keyword, why: error.message };
  // What `model.matches` asks.
  const wrong = [];
  for (const { isValid, text } of tests) {
    const isAdmitted = await admits(native(), text, { type: 'json_schema', schema });
    if (isAdmitted !== isValid) wrong.push({ isValid, text });
  }
  const outcome = wrong.some(({ isValid }) => !isValid)
    ? 'accepts'
    : wrong.length > 0
      ? 'rejects'
      : 'passed';
  return { name, outcome, ...times, bytes: grammar.length, wrong };
}

const quantile = (sorted, share) =>
  sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))];

const spread = (values) => {
  const sorted = [...values].sort((a, b) => a - b);
  return { p50: quantile(sorted, 0.5), p99: quantile(sorted, 0.99), most: sorted.at(-1) };
};

function report(title, results) {
  const of = (outcome) => results.filter((result) => result.outcome === outcome);
  const refused = {};
  const mb = megabytes(title);
  for (const { keyword } of of('refused')) refused[keyword] = (refused[keyword] ?? 0) + 1;
  return {
    title,
    cases: results.length,
    passed: of('passed').length,
    refused: Object.fromEntries(Object.entries(refused).sort((a, b) => b[1] - a[1])),
    wronglyAccepted: of('accepts').length,
    wronglyRefused: of('rejects').length,
    compileMs: spread(results.map(({ clockMs }) => clockMs)),
    above100Ms: results.filter(({ clockMs }) => clockMs > 100).length,
    compileCpuMs: spread(results.map(({ cpuMs }) => cpuMs)),
    compileMb: spread(mb),
    above50Mb: mb.filter((each) => each > 50).length,
  };
}

function print(table) {
  const { title, cases, passed, refused, wronglyAccepted, wronglyRefused } = table;
  const share = (count) => `${count} (${((100 * count) / cases).toFixed(1)} %)`;
  const allRefused = Object.values(refused).reduce((sum, count) => sum + count, 0);
  const line = ({ p50, p99, most }, unit) =>
    `p50 ${p50.toFixed(2)} ${unit}, p99 ${p99.toFixed(2)} ${unit}, most ${most.toFixed(2)} ${unit}`;
  console.log(`${title}: ${cases} cases`);
  console.log(`  passed           ${share(passed)}`);
  console.log(`  refused          ${share(allRefused)}`);
  for (const [keyword, count] of Object.entries(refused)) console.log(`    ${keyword}: ${count}`);
  console.log(`  wrongly accepted ${share(wronglyAccepted)}`);
  console.log(`  wrongly refused  ${share(wronglyRefused)}`);
  console.log(`  compile ${line(table.compileMs, 'ms')}, ${table.above100Ms} above 100 ms`);
  console.log(`  of CPU  ${line(table.compileCpuMs, 'ms')}`);
  console.log(`  memory  ${line(table.compileMb, 'MB')}, ${table.above50Mb} above 50 MB`);
}

if (options.memory) {
  console.log(JSON.stringify(fileCases(positionals[0]).map(growth)));
  process.exit();
}
for (const title of positionals) {
  const cases = fileCases(title);
  const results = [];
  // All of them first: judging compiles again, and would warm the engine for those that follow.
  const compiled = cases.map(({ schema }) => compile(schema));
  for (const [i, one] of cases.entries()) results.push(await judge(one, compiled[i]));
  const table = report(title, results);
  if (options.json) console.log(JSON.stringify(table));
  else print(table);
  if (!options.list) continue;
  for (const result of results) {
    if (result.outcome !== 'passed') console.log(JSON.stringify(result).slice(0, 600));
  }
}
