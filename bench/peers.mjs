// The same work by llama.cpp's own tools, as its users would run them: the better of flash attention on and off.
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** @param folder where llama-bench and llama-batched-bench are */
export function llamaCpp(folder, { model, threads }) {
  const bench = async (extra) => {
    const args = ['-m', model, '-t', threads, '-r', 1, '-o', 'json', '-fa', '0,1', ...extra];
    const { stdout } = await run(join(folder, 'llama-bench'), args.map(String));
    return Math.max(...JSON.parse(stdout).map(({ avg_ts }) => avg_ts));
  };
  return {
    prefill: (tokens) => bench(['-p', tokens, '-n', 0]),
    generate: (tokens, depth) => bench(['-p', 0, '-n', tokens, '-d', depth]),
    async chats(count, { prompt, answer }) {
      const sizes = [
        '-npp',
        prompt,
        '-ntg',
        answer,
        '-npl',
        count,
        '-c',
        count * (prompt + answer),
      ];
      const args = ['-m', model, '-t', threads, '--output-format', 'jsonl', ...sizes];
      const { stdout } = await run(join(folder, 'llama-batched-bench'), args.map(String));
      const line = stdout.split('\n').find((text) => text.startsWith('{'));
      return JSON.parse(line).speed_tg;
    },
  };
}
