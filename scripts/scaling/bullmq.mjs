/** The example's queue, two workers on the demo model, one of which is killed: every picture is answered once. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdirSync, symlinkSync } from 'node:fs';
import path from 'node:path';
import sharp from 'sharp';
import { freePort, ROOT, start, until } from './programs.mjs';

const PICTURES = 24;

export async function bullmqTrial(files, redis, folder) {
  const port = await freePort();
  start(redis, ['--port', port, '--bind', '127.0.0.1', '--save', '', '--dir', folder]);
  const env = { REDIS_URL: `redis://127.0.0.1:${port}`, LOCK_MS: '2000', CONCURRENCY: '2' };
  const app = await installedApp(folder);
  const run = (name, ...args) => {
    const options = { encoding: 'utf8', env: { ...process.env, ...env } };
    const { status, stdout, stderr } = spawnSync(
      process.execPath,
      [path.join(app, name), ...args],
      options,
    );
    assert.equal(status, 0, stderr);
    return stdout;
  };
  const pictures = await drawPictures(path.join(folder, 'pictures'));
  await until(
    () => run('enqueue.mjs', pictures, 'What is shown?').includes(`${PICTURES} pictures`),
    'Redis',
  );
  run('enqueue.mjs', pictures, 'What is shown?'); // a second time changes nothing
  const worker = () =>
    start(process.execPath, [path.join(app, 'worker.mjs'), files.model, files.mmproj], env);
  const workers = [worker(), worker()];
  await until(() => workers[0].said.includes('ready'), 'the first worker');
  const answers = [];
  const collect = () => {
    const lines = run('collect.mjs').trim().split('\n').filter(Boolean);
    answers.push(...lines.map((line) => JSON.parse(line)));
    return answers.length;
  };
  await until(() => collect() > 0, 'the first answer');
  workers[0].kill('SIGKILL');
  await until(() => collect() >= PICTURES, 'the last answer');
  assert.equal(new Set(answers.map(({ image }) => image)).size, PICTURES);
  assert.ok(answers.every(({ text }) => typeof text === 'string'));
  workers[1].kill('SIGTERM');
  await workers[1].ended;
  assert.equal(workers[1].exitCode, 0, workers[1].said);
}

/** The example beside the packages that it needs. */
async function installedApp(folder) {
  const app = path.join(folder, 'app');
  mkdirSync(path.join(app, 'node_modules'), { recursive: true });
  symlinkSync(path.join(ROOT, 'node_modules/bullmq'), path.join(app, 'node_modules/bullmq'));
  symlinkSync(ROOT, path.join(app, 'node_modules/llava-onevision'));
  for (const name of ['enqueue.mjs', 'worker.mjs', 'collect.mjs'])
    symlinkSync(path.join(ROOT, 'examples/bullmq', name), path.join(app, name));
  return app;
}

async function drawPictures(folder) {
  mkdirSync(folder);
  for (let i = 0; i < PICTURES; i++) {
    const background = { r: (i * 40) % 256, g: (i * 90) % 256, b: 80 };
    await sharp({ create: { width: 80, height: 60, channels: 3, background } })
      .png()
      .toFile(path.join(folder, `${i}.png`));
  }
  return folder;
}
