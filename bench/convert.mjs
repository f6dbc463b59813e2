// Times the converter on a checkpoint of true shapes: each type against `cp` of its output plus a read of its input on
// the same disk, all of them from and to the disk (caches dropped before, synced after), and all in one run, in turns.
// Prints a table of medians. Whole processes are timed, with their start.
//
// With --peer the f32, f16, bf16 and q8_0 of llama.cpp's own convert_hf_to_gguf.py are timed too, on the text part of the
// same checkpoint as a plain Qwen2 (all it can read), and its tensors compared with ours. Its check of the tokenizer, which
// knows only published vocabularies, is answered for it.
//
//   node bench/convert.mjs [--size 0.5b|7b|72b] [--types f16,q4_k_m] [--dir DIR] [--runs 1]
//                          [--peer convert_hf_to_gguf.py [--python PROGRAM]]
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, openSync, readdirSync, readSync, rmSync, statSync } from 'node:fs';
import { cpus, tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { readGguf } from '../dist/src/gguf/reader.js';
import { scriptArgs } from '../scripts/script-args.mjs';
import { makeShapeTrue } from './make-shape-true.mjs';

const { values } = scriptArgs(import.meta.filename, {
  options: {
    size: { type: 'string', default: '0.5b' },
    types: { type: 'string', default: 'f16,bf16,q8_0,q4_k_m' },
    dir: { type: 'string', default: tmpdir() },
    runs: { type: 'string', default: '1' },
    peer: { type: 'string' },
    python: { type: 'string', default: 'python3' },
  },
});
const PEER_TYPES = ['f32', 'f16', 'bf16', 'q8_0'];

/** What the measured process runs: its own peak memory is only known inside it. */
const CONVERT = `
  import { convert } from '${join(import.meta.dirname, '../dist/src/convert/convert.js')}';
  const [checkpoint, outdir, outtype] = process.argv.slice(1);
  const mmprojOuttype = /^[bf]/.test(outtype) ? outtype : 'q8_0';
  const { model, mmproj } = await convert({ checkpoint, outdir, name: 'bench', outtype, mmprojOuttype, checksum: true });
  console.log(JSON.stringify({ files: [model.path, mmproj.path], rss: process.resourceUsage().maxRSS }));
`;
const PEER = `
import os, resource, runpy, sys
sys.path.insert(0, os.path.dirname(sys.argv[1]))
from conversion.base import TextModel
TextModel.get_vocab_base_pre = lambda self, tokenizer: 'qwen2'
sys.argv = sys.argv[1:]
runpy.run_path(sys.argv[0], run_name='__main__')
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
`;

function run(command, args) {
  const { status, stdout, stderr, error } = spawnSync(command, args, { encoding: 'utf8' });
  if (status !== 0) throw new Error(`${command} ${args.join(' ')}: ${error?.message ?? stderr}`);
  return stdout;
}

function timed(folder, work) {
  run('sync', ['-f', folder]);
  const start = performance.now();
  const result = work();
  run('sync', ['-f', folder]);
  return { ...result, seconds: (performance.now() - start) / 1000 };
}

/** Makes the next read of these files come from the disk. */
function dropCached(files) {
  for (const file of files) run('dd', [`if=${file}`, 'iflag=nocache', 'count=0', 'status=none']);
}

function weightsOf(checkpoint) {
  return readdirSync(checkpoint)
    .filter((name) => name.endsWith('.safetensors'))
    .map((name) => join(checkpoint, name));
}

const root = mkdtempSync(join(values.dir, 'bench-convert-'));
const at = (...names) => join(root, ...names);

function ours(type) {
  dropCached(weightsOf(at('checkpoint')));
  return timed(root, () => {
    const args = ['--input-type=module', '-e', CONVERT, at('checkpoint'), at(type), type];
    const { files, rss } = JSON.parse(run(process.execPath, args));
    return { files, megabytes: rss / 1000 };
  });
}

function copy(files) {
  const copies = at('copies');
  mkdirSync(copies);
  dropCached(files);
  const result = timed(root, () => void run('cp', [...files, copies]));
  rmSync(copies, { recursive: true });
  return result;
}

function read(files) {
  dropCached(files);
  return timed(root, () => void run('sh', ['-c', 'cat "$@" > /dev/null', 'cat', ...files]));
}

function peer(type) {
  const file = at(`peer-${type}.gguf`);
  dropCached(weightsOf(at('text')));
  return timed(root, () => {
    const args = [at('text'), '--outfile', file, '--outtype', type];
    const output = run(values.python, ['-c', PEER, resolve(values.peer), ...args]);
    return { files: [file], megabytes: Number(output.trim().split('\n').at(-1)) / 1000 };
  });
}

function tensorBytes(file, descriptor, name) {
  const tensor = file.tensors.find((candidate) => candidate.name === name);
  const bytes = Buffer.alloc(tensor?.bytes ?? 0);
  if (tensor) readSync(descriptor, bytes, 0, bytes.length, tensor.offset);
  return bytes;
}

/** @returns how many tensors are the same in both, of how many. */
async function countEqual(paths) {
  const [a, b] = await Promise.all(paths.map((path) => readGguf(path)));
  const [first, second] = paths.map((path) => openSync(path));
  const equal = a.tensors.filter(({ name }) =>
    tensorBytes(a, first, name).equals(tensorBytes(b, second, name)),
  );
  return `${equal.length} of ${Math.max(a.tensors.length, b.tensors.length)}`;
}

const gigabytes = (files) => files.reduce((sum, file) => sum + statSync(file).size, 0) / 1e9;
function median(samples, key = 'seconds') {
  const sorted = samples.map((sample) => sample[key]).sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)];
}

async function measure(type) {
  const samples = { ours: [], copy: [], read: [], peer: [] };
  const hasPeer = values.peer && PEER_TYPES.includes(type);
  for (let i = 1; i <= Number(values.runs); i++) {
    process.stderr.write(`${type}, round ${i} of ${values.runs}\n`);
    samples.ours.push(ours(type));
    samples.copy.push(copy(samples.ours[0].files));
    samples.read.push(read(weightsOf(at('checkpoint'))));
    if (hasPeer) samples.peer.push(peer(type));
  }
  const [convertSeconds, copySeconds, readSeconds] = [
    median(samples.ours),
    median(samples.copy),
    median(samples.read),
  ];
  const { files } = samples.ours[0];
  const cells = [
    type,
    gigabytes(files).toFixed(2),
    convertSeconds.toFixed(1),
    copySeconds.toFixed(1),
    readSeconds.toFixed(1),
    (convertSeconds / (copySeconds + readSeconds)).toFixed(2),
    Math.max(...samples.ours.map(({ megabytes }) => megabytes)).toFixed(0),
  ];
  if (hasPeer) {
    const theirs = samples.peer[0].files;
    cells.push(
      gigabytes(theirs).toFixed(2),
      median(samples.peer).toFixed(1),
      Math.max(...samples.peer.map(({ megabytes }) => megabytes)).toFixed(0),
      await countEqual([files[0], theirs[0]]),
    );
    rmSync(theirs[0]);
  } else if (values.peer) cells.push('', '', '', '');
  rmSync(at(type), { recursive: true });
  console.log(`| ${cells.join(' | ')} |`);
}

try {
  process.stderr.write(`writing a checkpoint of the ${values.size} model's shapes\n`);
  const bytes = makeShapeTrue(at('checkpoint'), { size: values.size });
  if (values.peer) makeShapeTrue(at('text'), { size: values.size, layout: 'qwen2' });
  console.log(`${cpus().length} cores, checkpoint of ${(bytes / 1e9).toFixed(2)} GB\n`);
  const head = 'type | output GB | convert s | cp s | read s | convert / (cp + read) | peak MB';
  const more = values.peer ? ' | peer GB | peer s | peer peak MB | equal tensors' : '';
  console.log(`| ${head}${more} |`);
  console.log(`|${'---|'.repeat(values.peer ? 11 : 7)}`);
  for (const type of values.types.split(',')) await measure(type);
} finally {
  rmSync(root, { recursive: true });
}
