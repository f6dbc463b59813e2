/** `eval`: the model card's benchmarks. One file per subcommand; here only their list. */
import { Command } from 'commander';
import { evalCheckScorersCommand } from './eval/check-scorers.js';
import { evalCompareCommand } from './eval/compare.js';
import { evalJudgeCommand } from './eval/judge.js';
import { evalListCommand } from './eval/list.js';
import { evalReportCommand } from './eval/report.js';
import { evalRunCommand } from './eval/run.js';

const EXAMPLES = `
Examples:
  $ llava-onevision eval list
  $ llava-onevision eval run 0.5b-ov ai2d --data datasets --out results
  $ llava-onevision eval ai2d chartqa --data datasets --out results --endpoint http://localhost:8080/v1 --endpoint-model ov
  $ llava-onevision eval report results
  $ llava-onevision eval compare results results-q4_k_m

Datasets are not downloaded: eval list shows which files each row wants and where they come from.`;

export function evalCommand(): Command {
  const command = new Command('eval').description("run the model card's benchmarks");
  // `eval NAME...` is short for `eval run NAME...`.
  command.addCommand(evalRunCommand(), { isDefault: true });
  for (const sub of [evalListCommand(), evalReportCommand(), evalCompareCommand()])
    command.addCommand(sub);
  // Alone it would be `eval run`, asking for its options one by one.
  command.hook('preSubcommand', () => {
    if (command.args.length === 0) command.help({ error: true });
  });
  command.addCommand(evalJudgeCommand()).addCommand(evalCheckScorersCommand());
  return command.addHelpText('after', EXAMPLES);
}
