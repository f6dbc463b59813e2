// Makes quantize-types.json: which type llama-quantize gives each matrix of decoders of several shapes.
//
//   node test/golden/make-quantize-types.mjs PATH_OF_llama-quantize > test/golden/quantize-types.json
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const OUTTYPES = (
  'q8_0 q6_k q5_k_m q5_k_s q5_1 q5_0 q4_k_m q4_k_s q4_1 q4_0 iq4_nl iq4_xs q3_k_l q3_k_m q3_k_s iq3_m iq3_s ' +
  'iq3_xs iq3_xxs q2_k q2_k_s iq2_m iq2_s iq2_xs iq2_xxs iq1_m iq1_s tq2_0 tq1_0 q2_0'
).split(' ');
/** Rows of 256 divide into every block; those of 288 only into blocks of 32, those of 272 into none. */
const SHAPES = {
  tied: { nLayer: 24, nEmbd: 256, nFfn: 512, nHead: 4, nHeadKv: 1, isTied: true },
  untied: { nLayer: 28, nEmbd: 256, nFfn: 512, nHead: 4, nHeadKv: 2, isTied: false },
  deep: { nLayer: 80, nEmbd: 256, nFfn: 256, nHead: 4, nHeadKv: 1, isTied: false },
  odd: { nLayer: 9, nEmbd: 288, nFfn: 272, nHead: 4, nHeadKv: 1, isTied: true },
};

const u32 = (value) => Buffer.from(Uint32Array.of(value).buffer);
const u64 = (value) => Buffer.from(BigUint64Array.of(BigInt(value)).buffer);
const text = (value) => Buffer.concat([u64(Buffer.byteLength(value)), Buffer.from(value)]);
const pad = (size) => Math.ceil(size / 32) * 32;

function gguf(entries, tensors) {
  const parts = [Buffer.from('GGUF'), u32(3), u64(tensors.length), u64(entries.length)];
  for (const [key, value] of entries) {
    const isText = typeof value === 'string';
    const isFloat = key.endsWith('epsilon');
    parts.push(text(key), u32(isText ? 8 : isFloat ? 6 : 4));
    if (isText) parts.push(text(value));
    else parts.push(isFloat ? Buffer.from(Float32Array.of(value).buffer) : u32(value));
  }
  let end = 0;
  const data = [];
  for (const { name, shape } of tensors) {
    parts.push(text(name), u32(shape.length), ...shape.map(u64), u32(0), u64(end));
    const bytes = Buffer.alloc(pad(4 * shape.reduce((a, b) => a * b, 1)));
    data.push(bytes);
    end += bytes.length;
  }
  const header = Buffer.concat(parts);
  return Buffer.concat([header, Buffer.alloc(pad(header.length) - header.length), ...data]);
}

function decoder({ nLayer, nEmbd, nFfn, nHead, nHeadKv, isTied }) {
  const nKv = (nEmbd / nHead) * nHeadKv;
  const matrices = {
    attn_q: [nEmbd, nEmbd],
    attn_k: [nEmbd, nKv],
    attn_v: [nEmbd, nKv],
    attn_output: [nEmbd, nEmbd],
    ffn_gate: [nEmbd, nFfn],
    ffn_up: [nEmbd, nFfn],
    ffn_down: [nFfn, nEmbd],
  };
  const tensors = [{ name: 'token_embd.weight', shape: [nEmbd, 64] }];
  if (!isTied) tensors.push({ name: 'output.weight', shape: [nEmbd, 64] });
  for (let i = 0; i < nLayer; i++)
    for (const [name, shape] of Object.entries(matrices))
      tensors.push({ name: `blk.${i}.${name}.weight`, shape });
  return { tensors, matrices };
}

const HPARAMS = ({ nLayer, nEmbd, nFfn, nHead, nHeadKv }) => [
  ['general.architecture', 'qwen2'],
  ['qwen2.block_count', nLayer],
  ['qwen2.context_length', 64],
  ['qwen2.embedding_length', nEmbd],
  ['qwen2.feed_forward_length', nFfn],
  ['qwen2.attention.head_count', nHead],
  ['qwen2.attention.head_count_kv', nHeadKv],
  ['qwen2.attention.layer_norm_rms_epsilon', 1e-6],
];

function binaryImatrix(tensors) {
  const entry = ({ name, shape: [width] }) => [
    u32(name.length),
    Buffer.from(name),
    u32(1),
    u32(width),
    Buffer.from(new Float32Array(width).fill(1).buffer),
  ];
  return Buffer.concat([u32(tensors.length), ...tensors.flatMap(entry)]);
}

function typesOf(tool, file, outtype, imatrix) {
  const options = imatrix ? ['--imatrix', imatrix] : [];
  const run = spawnSync(tool, ['--dry-run', ...options, file, outtype.toUpperCase()], {
    encoding: 'utf8',
  });
  const types = new Map();
  for (const [, name, stored, given] of run.stdout.concat(run.stderr).matchAll(
    /\] +(\S+) +- \[.*?type = +(\w+), size =.*?(?:\((\w+)\))?\n/g,
  ))
    types.set(name, given ?? stored);
  if (run.status !== 0 || types.size === 0) throw new Error(run.stderr);
  return types;
}

/** "q6_K*3 q4_K*21": the types of one matrix through the blocks. */
function runs(types) {
  const parts = [];
  for (const type of types) {
    const last = parts.at(-1);
    if (last?.type === type) last.count++;
    else parts.push({ type, count: 1 });
  }
  return parts.map(({ type, count }) => (count > 1 ? `${type}*${count}` : type)).join(' ');
}

const [tool] = process.argv.slice(2);
const folder = mkdtempSync(join(tmpdir(), 'quantize-types-'));
const cases = [];
for (const [name, shape] of Object.entries(SHAPES)) {
  const { tensors, matrices } = decoder(shape);
  const file = join(folder, `${name}.gguf`);
  const imatrix = join(folder, `${name}-imatrix.dat`);
  writeFileSync(file, gguf(HPARAMS(shape), tensors));
  writeFileSync(imatrix, binaryImatrix(tensors));
  for (const outtype of OUTTYPES)
    for (const hasImportance of [false, true]) {
      if (hasImportance && name === 'deep') continue;
      const types = typesOf(tool, file, outtype, hasImportance && imatrix);
      const expected = { token_embd: types.get('token_embd.weight') };
      if (!shape.isTied) expected.output = types.get('output.weight');
      for (const matrix of Object.keys(matrices))
        expected[matrix] = runs(
          Array.from({ length: shape.nLayer }, (_, i) => types.get(`blk.${i}.${matrix}.weight`)),
        );
      cases.push({ shape: name, outtype, hasImportance, types: expected });
    }
}
rmSync(folder, { recursive: true });
const lines = cases.map((item) => `    ${JSON.stringify(item)}`).join(',\n');
process.stdout.write(`{\n  "shapes": ${JSON.stringify(SHAPES)},\n  "cases": [\n${lines}\n  ]\n}\n`);
