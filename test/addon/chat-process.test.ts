/** Whole processes that chat: how they end, two threads at once, and memory over many chats. */
import { Worker } from 'node:worker_threads';
import { describe, expect, it } from 'vitest';
import { demoPrelude, runDemo } from '../support/demo-chats.js';
import { memoryTest } from '../support/skip-unless.js';

describe('a process', () => {
  it('ends by itself when all is done, even with a model not disposed of', async () => {
    const script = `
      const model = await load();
      console.log((await model.chat(messages).result).finishReason);
    `;
    expect(await runDemo(script)).toMatchObject({ status: 0, stdout: 'stop\n', stderr: '' });
  });

  it('ends by itself with a stream that nobody reads', async () => {
    const script = '(await load()).chat(messages);';
    expect(await runDemo(script)).toMatchObject({ status: 0, stderr: '' });
  });

  it.each([
    ['while generating', 'for await (const _ of model.chat(messages, endless)) process.exit(7);'],
    ['while encoding', 'await model.chat(messages, { onProgress: () => process.exit(7) }).result;'],
    [
      'while several generate, some in line',
      `for (let i = 0; i < 12; i++) model.chat(messages, endless).result;
       setTimeout(() => process.exit(7), 300);`,
    ],
    [
      'in the middle of dispose',
      `model.chat(messages, endless).result.catch(() => {});
       setTimeout(() => { model.dispose(); process.exit(7); }, 300);`,
    ],
    [
      'by an exception while generating',
      `process.on('uncaughtException', () => process.exit(7));
       for await (const _ of model.chat(messages, endless)) setTimeout(() => { throw new Error(); });`,
    ],
  ])('exits %s', async (_, script) => {
    const result = await runDemo(`const model = await load(); ${script}`);
    expect(result).toMatchObject({ status: 7, signal: null, stderr: '' });
  });

  it('exits while loading', async () => {
    const script = 'await load({ onProgress: () => process.exit(7) });';
    expect(await runDemo(script)).toMatchObject({ status: 7, signal: null, stderr: '' });
  });
});

describe('worker threads', () => {
  async function worker(script: string): Promise<Worker> {
    const source = `
      import { parentPort } from 'node:worker_threads';
      ${await demoPrelude()}
      ${script}
    `;
    return new Worker(new URL(`data:text/javascript,${encodeURIComponent(source)}`));
  }

  const message = (from: Worker) =>
    new Promise<string>((resolve, reject) => {
      from.once('message', resolve);
      from.once('error', reject);
    });

  it('two at once give the same answers', async () => {
    const script = `
      const model = await load();
      const texts = [];
      for (let i = 0; i < 5; i++) texts.push((await model.chat(messages).result).text);
      await model.dispose();
      parentPort.postMessage(texts.join());
    `;
    const [one, two] = await Promise.all([worker(script), worker(script)]);
    const [first, second] = await Promise.all([message(one), message(two)]);
    expect(first).toMatch(/^A .*\./);
    expect(second).toBe(first);
  });

  it('can be terminated while they generate', async () => {
    const script = `
      const model = await load();
      for await (const { text } of model.chat(messages, endless)) parentPort.postMessage(text);
    `;
    for (let i = 0; i < 5; i++) {
      const running = await worker(script);
      await message(running);
      expect(await running.terminate()).toBe(1);
    }
  });
});

it('memory stays flat over 200 chats, with aborts and readers that leave', memoryTest, async () => {
  const script = `
    const model = await load();
    const chats = async (n) => {
      for (let i = 0; i < n; i++) {
        await model.chat(messages, { topLogprobs: 5, maxTokens: 20 }).result;
        if (i % 5 === 0) {
          const signal = AbortSignal.timeout(5);
          await model.chat(messages, { ...endless, signal }).result.catch(() => {});
          for await (const _ of model.chat(messages, endless)) break;
        }
      }
      gc();
      await new Promise((resolve) => setTimeout(resolve, 50));
      gc();
      return process.memoryUsage().rss / 1e6;
    };
    const before = await chats(60);
    const after = await chats(200);
    console.log(after - before < 8 ? 'flat' : \`grew from \${before} to \${after} MB\`);
    await model.dispose();
  `;
  // A young generation that V8 would otherwise double once, by 16 MB; the rows of one picture are 0.3 MB.
  expect(await runDemo(script, ['--expose-gc', '--max-semi-space-size=1'])).toMatchObject({
    ...{ status: 0, stdout: 'flat\n', stderr: '' },
  });
});
