/** `eval judge`: its options. What it does is in judge-answers.ts. */
import { Command, Option } from 'commander';
import { parsePositive } from '../shared/flags.js';
import { interruptible } from '../shared/interrupt.js';
import type { JudgeFlags } from './judge-answers.js';

const EXAMPLES = `
Examples:
  $ llava-onevision eval judge results                      writes NAME/judge-requests.jsonl
  $ llava-onevision eval judge results --replies replies.jsonl
  $ llava-onevision eval judge results mmvet --endpoint https://api.example.org/v1 --endpoint-model gpt-4o

Replies are kept in NAME/judge-replies.jsonl and asked for once. Scores of another judge than the card's are not comparable
with the card. Judges that see pictures need --data, for results do not hold pictures.`;

export function evalJudgeCommand(): Command {
  const command = new Command('judge')
    .description('write requests for a judge, take in its replies, or ask it')
    .argument('<results>', 'folder that eval run wrote')
    .argument('[name...]', 'benchmarks (default: all of the folder that have a judge)')
    .option('--replies <file>', 'JSONL of { part, id, reply }: answers to judge-requests.jsonl')
    .option('--endpoint <url>', 'ask this OpenAI-compatible judge: http://HOST:PORT/v1')
    .option('--endpoint-model <name>', "the server's name of the judge")
    .addOption(new Option('--api-key <key>', "the server's key").env('OPENAI_API_KEY'))
    .option('--data <folder>', 'the datasets, for judges that see pictures')
    .option('--media <folder>', "pictures, if not in the dataset's folder")
    .option('--concurrency <n>', 'requests under way at a time', parsePositive, 4)
    .option('--json', 'print the report as JSON')
    .addHelpText('after', EXAMPLES);
  return command.action(async (dir: string, names: string[], flags: JudgeFlags) => {
    if (flags.endpoint !== undefined && flags.endpointModel === undefined)
      command.error('error: --endpoint needs --endpoint-model');
    if (flags.endpoint !== undefined && flags.replies !== undefined)
      command.error('error: --endpoint and --replies do not go together');
    const { judgeResults } = await import('./judge-answers.js');
    await interruptible((signal) => judgeResults(dir, names, { ...flags, signal }));
  });
}
