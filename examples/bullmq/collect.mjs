// Writes the answers as JSON lines to stdout and takes them out of the queue; failures go to stderr and stay.
//
//   REDIS_URL=redis://10.0.0.1:6379 node collect.mjs >> answers.jsonl
import { Queue } from 'bullmq';

const queue = new Queue('pictures', {
  connection: { url: process.env.REDIS_URL ?? 'redis://127.0.0.1:6379' },
});
const AT_ONCE = 1000;

for (;;) {
  const jobs = await queue.getCompleted(0, AT_ONCE - 1);
  if (jobs.length === 0) break;
  const lines = jobs.map(({ data, returnvalue }) => JSON.stringify({ ...data, ...returnvalue }));
  await new Promise((resolve) => process.stdout.write(`${lines.join('\n')}\n`, resolve));
  for (const job of jobs) await job.remove();
}
for (const { data, failedReason } of await queue.getFailed())
  process.stderr.write(`${data.image}: ${failedReason}\n`);
await queue.close();
