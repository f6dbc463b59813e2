// Answers questions from the queue with a model in this process: one worker for each machine or GPU. A job of a worker that dies
// goes to another. Answers stay with their jobs in Redis until collect.mjs takes them.
//
//   REDIS_URL=redis://10.0.0.1:6379 node worker.mjs MODEL [MMPROJ.gguf]
import { Worker } from 'bullmq';
import { LlavaOneVision } from 'llava-onevision';

const [name, mmproj] = process.argv.slice(2);
/** As many chats as the model takes at a time: their steps are computed together. */
const CONCURRENCY = Number(process.env.CONCURRENCY ?? 8);

const model = await LlavaOneVision.load({ model: name, mmproj });
const ending = new AbortController();

const worker = new Worker(
  'pictures',
  async ({ data: { image, question } }) => {
    const content = [
      { type: 'image', image },
      { type: 'text', text: question },
    ];
    const options = { temperature: 0, maxTokens: 256, signal: ending.signal };
    const { text, usage } = await model.chat([{ role: 'user', content }], options).result;
    return { text, tokens: usage.completionTokens };
  },
  {
    connection: { url: process.env.REDIS_URL ?? 'redis://127.0.0.1:6379' },
    concurrency: CONCURRENCY,
    // A worker that has said nothing for so long is taken for dead, and its jobs are given to others.
    lockDuration: Number(process.env.LOCK_MS ?? 60_000),
    stalledInterval: Number(process.env.LOCK_MS ?? 60_000) / 2,
    maxStalledCount: 5,
  },
);
worker.on('failed', (job, error) => console.error(job?.data.image, error.message));
worker.on('error', (error) => console.error(error.message));
console.log('ready');

async function stop() {
  // What is under way is finished; a second signal ends it, and the jobs are tried again.
  process.once('SIGTERM', () => ending.abort(new Error('stopped')));
  await worker.close();
  await model.dispose();
}
process.once('SIGTERM', stop).once('SIGINT', stop);
