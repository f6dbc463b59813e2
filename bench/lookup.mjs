// What guessing tokens gains: a script is "answered" with lookup and without, in turns, by CPU time, so that a busy machine
// slows both. The text decides which guesses are right and the model what a step costs, whatever its weights would say: so
// files with random weights do. Scripts: a long document's paragraphs as JSON; an invoice's lines, mostly numbers, as JSON;
// prose that has little to do with the prompt. Not counted: choosing the further tokens of a step from their logits, which
// takes a hundredth of it.
//
//   npm run bench:lookup -- MODEL.gguf [--threads 2] [--lookup 8] [--tokens 300] [--json]
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { native } from '../dist/src/addon/load-addon.js';
import { Drafts } from '../dist/src/engine/drafts.js';
import { PromptKey } from '../dist/src/engine/prompt-key.js';
import { scriptArgs } from '../scripts/script-args.mjs';

const { values: options, positionals } = scriptArgs(import.meta.filename, {
  allowPositionals: true,
  options: {
    threads: { type: 'string', default: '2' },
    lookup: { type: 'string', default: '8' },
    tokens: { type: 'string', default: '300' },
    json: { type: 'boolean', default: false },
  },
});
const most = Number(options.lookup);
const nBatch = 512;
const CHUNK = 40;

const GOODS = ['hex bolt', 'wood screw', 'washer', 'wing nut', 'angle bracket', 'threaded rod'];
const FINISHES = ['zinc plated', 'stainless steel A2', 'black oxide', 'hot-dip galvanised'];

const text = (name) => readFileSync(join(import.meta.dirname, '../docs', name), 'utf8');

function paragraphs() {
  const document = text('sessions.md').slice(0, 6000);
  const parts = document
    .split(/\n(?=#)/)
    .map((part) => part.split('\n'))
    .map(([heading, ...lines]) => ({ heading, text: lines.join('\n').trim() }));
  return { prompt: `${document}\n\nAll of it as JSON.\n`, answer: JSON.stringify(parts, null, 1) };
}

function invoice() {
  const lines = Array.from({ length: 60 }, (_, i) => {
    const count = ((i * 37) % 90) + 4;
    const cents = ((i * 7919) % 900) + 15;
    const size = `M${4 + ((i * 5) % 13)}x${10 + ((i * 35) % 110)}`;
    const item = `${GOODS[(i * 5) % 6]} ${size}, ${FINISHES[(i * 7) % 4]}`;
    const [unit, total] = [cents, cents * count].map((value) => (value / 100).toFixed(2));
    return { number: `A-${10_000 + ((i * 6151) % 9000)}`, item, count, unit, total };
  });
  const rows = lines.map(
    ({ number, item, count, unit, total }) => `${number}  ${item}  ${count} pcs  ${unit}  ${total}`,
  );
  const prompt = `Invoice 2024-118\nBolt & Nut Ltd., 12 Harbour Road\n\n${rows.join('\n')}\n\nAll lines as JSON.\n`;
  return { prompt, answer: JSON.stringify({ invoice: '2024-118', lines }) };
}

function prose() {
  return { prompt: text('sessions.md').slice(0, 6000), answer: text('security.md') };
}

const binding = native();
const model = await binding.loadModel(
  { path: positionals[0], gpuLayers: 0, mmap: true, mlock: false, vocabOnly: false },
  null,
  null,
);
const pool = new binding.ThreadPool(Number(options.threads));
const context = await binding.createContext(model, pool, {
  ...{ nCtx: 8192, nBatch, nUbatch: nBatch, nSeqMax: 2, nOutputs: 2 + most },
  ...{
    kvTypeK: 'f16',
    kvTypeV: 'f16',
    flashAttention: binding.kernels().instructionSet ? 'on' : 'off',
  },
});
const sampler = new binding.Sampler(model, {
  ...{ temperature: 0, topK: 0, topP: 1, minP: 0, typicalP: 1, seed: 0, nTop: 0 },
  ...{ repetitionPenalty: 1, presencePenalty: 0, frequencyPenalty: 0 },
  ...{ biasTokens: new Int32Array(), biasValues: new Float32Array(), nVocabUsed: model.nVocab },
});

/** One sequence that answers the script; with `drafts` by guesses. */
class Answer {
  seconds = 0;
  steps = 0;
  #at = 1; // the first token came out of the prompt
  constructor(sequence, start, script, drafts) {
    Object.assign(this, { sequence, start, script, drafts });
    drafts?.push(script[0]);
  }

  /** Up to token `end` of the script. */
  async run(end) {
    const { sequence, script, drafts } = this;
    while (this.#at < end) {
      const began = process.cpuUsage();
      const draft = drafts?.propose(Math.min(most, script.length - this.#at - 1)) ?? [];
      const position = this.start + this.#at - 1;
      const data = Int32Array.of(script[this.#at - 1], ...draft);
      await context.step([{ sequence, position, data, sampler, drafted: draft.length }]);
      let right = 0;
      while (right < draft.length && draft[right] === script[this.#at + right]) right++;
      for (let i = 0; i <= right; i++) drafts?.push(script[this.#at + i]);
      drafts?.verified(draft.length, right);
      const { user, system } = process.cpuUsage(began);
      this.seconds += (user + system) / 1e6;
      this.steps++;
      // The model has taken what its own weights say; what the script says goes in its place, uncounted.
      context.removePositions(sequence, position + 1);
      if (right > 0) {
        const taken = Int32Array.from(draft.slice(0, right));
        await context.step([{ sequence, position: position + 1, data: taken, sampler: null }]);
      }
      this.#at += right + 1;
    }
  }

  get msPerToken() {
    return (1000 * this.seconds) / (this.#at - 1);
  }
}

async function measure({ prompt, answer }) {
  const ids = model.tokenize(prompt);
  const script = [...model.tokenize(answer)].slice(0, Number(options.tokens));
  for (let at = 0; at < ids.length; at += nBatch)
    await context.step([
      { sequence: 0, position: at, data: ids.subarray(at, at + nBatch), sampler: null },
    ]);
  context.copySequence(0, 1, ids.length);
  const drafts = new Drafts({ most, ends: new Set() });
  drafts.start(new PromptKey([{ tokens: ids }]));
  const plain = new Answer(0, ids.length, script);
  const guessing = new Answer(1, ids.length, script, drafts);
  for (let end = CHUNK; end < script.length + CHUNK; end += CHUNK)
    for (const one of [plain, guessing]) await one.run(Math.min(end, script.length));
  for (const sequence of [0, 1]) context.removePositions(sequence, 0);
  return {
    promptTokens: ids.length,
    tokens: script.length,
    plain: plain.msPerToken,
    lookup: guessing.msPerToken,
    ratio: plain.msPerToken / guessing.msPerToken,
    steps: guessing.steps,
    drafted: drafts.drafted,
    accepted: drafts.accepted,
  };
}

const results = {};
for (const [name, script] of Object.entries({
  document: paragraphs(),
  invoice: invoice(),
  prose: prose(),
}))
  results[name] = await measure(script);
for (const handle of [sampler, context, pool, model]) await handle.dispose();

if (options.json) console.log(JSON.stringify({ lookup: most, ...results }));
else
  for (const [name, { ratio, plain, lookup, ...counts }] of Object.entries(results))
    console.log(
      `${name.padEnd(8)} ${ratio.toFixed(2)} times as fast: ${lookup.toFixed(1)} ms instead of ${plain.toFixed(1)} a token; ` +
        `${counts.tokens} tokens in ${counts.steps} steps, ${counts.accepted} of ${counts.drafted} guesses right`,
    );
