// Puts a question about each picture of a folder into the queue. Run it again after a failure: a picture that is in the queue,
// or was answered, is not put there twice.
//
//   REDIS_URL=redis://10.0.0.1:6379 node enqueue.mjs FOLDER 'What is shown?'
import { opendir } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { Queue } from 'bullmq';

const [folder = '.', question = 'Describe the image.'] = process.argv.slice(2);
/** Jobs that go to Redis at one time. */
const AT_ONCE = 1000;

const queue = new Queue('pictures', {
  connection: { url: process.env.REDIS_URL ?? 'redis://127.0.0.1:6379' },
});
const options = {
  attempts: 5,
  backoff: { type: 'exponential', delay: 1000 },
  removeOnFail: false,
};
let count = 0;
let jobs = [];

async function flush() {
  await queue.addBulk(jobs);
  count += jobs.length;
  jobs = [];
}

for await (const entry of await opendir(folder)) {
  if (!entry.isFile() || !/\.(jpe?g|png|webp)$/i.test(entry.name)) continue;
  const image = resolve(join(folder, entry.name));
  // The id makes the second time harmless; BullMQ's may hold no colon.
  const jobId = encodeURIComponent(image);
  jobs.push({ name: 'picture', data: { image, question }, opts: { ...options, jobId } });
  if (jobs.length === AT_ONCE) await flush();
}
await flush();
console.log(`${count} pictures are in the queue`);
await queue.close();
