/**
 * The demonstration (`npm run demo`): converts demo/checkpoint once, then asks the model about each picture of
 * demo/questions.json and shows its answers, right or wrong.
 */
import { readdirSync, readFileSync, statSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { createProgress } from './build/progress.mjs';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const CHECKPOINT = path.join(ROOT, 'demo/checkpoint');
const MODELS = path.join(ROOT, 'models');
const FILES = {
  model: path.join(MODELS, 'demo-f16.gguf'),
  mmproj: path.join(MODELS, 'mmproj-demo-f16.gguf'),
};

const { convert, LlavaOneVision } = await import('../dist/src/index.js');

function modifiedAt(file) {
  return statSync(file, { throwIfNoEntry: false })?.mtimeMs ?? 0;
}

/** The converted files are kept until the checkpoint or the converter changes. */
function isConverted() {
  const sources = [CHECKPOINT, path.join(ROOT, 'dist/src/convert')].flatMap((folder) =>
    readdirSync(folder).map((name) => path.join(folder, name)),
  );
  const newest = Math.max(...sources.map(modifiedAt));
  return Object.values(FILES).every((file) => modifiedAt(file) > newest);
}

async function convertCheckpoint() {
  const progress = createProgress('Converting the checkpoint');
  await convert({
    checkpoint: CHECKPOINT,
    outdir: MODELS,
    name: 'demo',
    onProgress: (fraction) => progress.update(fraction),
  });
  progress.stop();
}

async function ask(model, { picture, question }) {
  const image = path.join(ROOT, 'demo', picture);
  const content = [
    { type: 'image', image },
    { type: 'text', text: question },
  ];
  const startedAt = performance.now();
  const result = await model.chat([{ role: 'user', content }], { maxTokens: 40 }).result;
  return { ...result, seconds: (performance.now() - startedAt) / 1000 };
}

/** Two lines: picture and question; answer, what it took. @returns whether the answer is right */
function show({ picture, question, answer }, { text, usage, seconds }) {
  const isRight = text.trim() === answer;
  const said = isRight ? text.trim() : `${text.trim()} (it is: ${answer})`;
  const tokens = `${usage.visualTokens} + ${usage.completionTokens} tokens`;
  console.log(`${path.basename(picture).padEnd(14)}${question}`);
  console.log(
    `  ${isRight ? 'right' : 'wrong'}       ${said.padEnd(72)} ${tokens.padStart(15)} ${seconds.toFixed(2)} s\n`,
  );
  return isRight;
}

if (!isConverted()) await convertCheckpoint();
const entries = JSON.parse(readFileSync(path.join(ROOT, 'demo/questions.json'), 'utf8'));
const model = await LlavaOneVision.load(FILES);
let right = 0;
console.log('Picture and question; answer, tokens of picture + answer, time\n');
try {
  for (const entry of entries) right += show(entry, await ask(model, entry));
} finally {
  await model.dispose();
}
console.log(
  `${right} of ${entries.length} right. This is a checkpoint of 3M parameters that knows only such drawings ` +
    '(demo/README.md);\na published one is converted and asked in the same way (README.md).',
);
