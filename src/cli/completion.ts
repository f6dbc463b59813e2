/** `completion`: a script for the shell, which asks `complete` at every Tab for what could stand there. */
import { Argument, Command, type Option } from 'commander';
import { publishedModels } from '../hub/published-models.js';
import { entryName, listModels } from '../models/model-cache.js';
import { shortNames } from '../models/model-name.js';

const SCRIPTS = {
  bash: `_llava_onevision() {
  local IFS=$'\\n'
  COMPREPLY=($(llava-onevision complete -- "\${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null))
}
complete -o default -F _llava_onevision llava-onevision
`,
  zsh: `#compdef llava-onevision
_llava_onevision() {
  local -a found
  found=("\${(@f)$(llava-onevision complete -- "\${(@Q)words[2,CURRENT]}" 2>/dev/null)}")
  if [[ -n "$found" ]]; then compadd -a found; else _files; fi
}
(( $+functions[compdef] )) || { autoload -Uz compinit && compinit; }
compdef _llava_onevision llava-onevision
`,
  fish: `function __llava_onevision
  set -l found (llava-onevision complete -- (commandline -opc)[2..] (commandline -ct) 2>/dev/null)
  if set -q found[1]; string join \\n -- $found; else; __fish_complete_path (commandline -ct); end
end
complete -c llava-onevision -f -a '(__llava_onevision)'
`,
} as const;

const EXAMPLES = `
Examples:
  $ llava-onevision completion bash >> ~/.bashrc
  $ llava-onevision completion zsh >> ~/.zshrc
  $ llava-onevision completion fish > ~/.config/fish/completions/llava-onevision.fish

Completes commands, options, their values and the names of models; files where none of these can stand.`;

export function completionCommand(): Command {
  return new Command('completion')
    .description('print what makes a shell complete commands, options and names of models')
    .addArgument(new Argument('<shell>').choices(Object.keys(SCRIPTS)))
    .addHelpText('after', EXAMPLES)
    .action((shell: keyof typeof SCRIPTS) => {
      process.stdout.write(SCRIPTS[shell]);
    });
}

/** Not for people. @param program whose commands and options are meant */
export function completeCommand(program: Command): Command {
  return new Command('complete').argument('[words...]').action(async (words: string[]) => {
    const found = await candidates(program, words);
    process.stdout.write(found.map((word) => `${word}\n`).join(''));
  });
}

/** What the last word, which may be empty, could become; nothing where only a file can stand.
 *  @param words behind the program's name */
export async function candidates(program: Command, words: readonly string[]): Promise<string[]> {
  const typed = words.at(-1) ?? '';
  let command = program;
  let plain = 0;
  let option: Option | undefined;
  for (const word of words.slice(0, -1)) {
    const wantsValue = option !== undefined && (option.required || option.optional);
    option = wantsValue ? undefined : find(command, program, word);
    if (wantsValue || word.startsWith('-')) continue;
    const sub = command.commands.find((one) => one.name() === word);
    if (sub) command = sub;
    else plain++;
  }
  const possible = await possibleWords(command, { program, option, plain, typed });
  return [...new Set(possible)].filter((word) => word.startsWith(typed));
}

/** Arguments whose first word may be a model. */
const MODEL_WORDS = new Set(['model', 'words', 'files', 'name', 'file']);

interface Place {
  program: Command;
  /** The word before, where it is an option. */
  option: Option | undefined;
  /** Words of the command that are no options. */
  plain: number;
  typed: string;
}

async function possibleWords(
  command: Command,
  { program, option, plain, typed }: Place,
): Promise<string[]> {
  if (option?.long === '--model') return modelNames();
  if (option && (option.required || option.optional)) return option.argChoices ?? [];
  if (typed.startsWith('-'))
    return [...command.options, ...program.options, { long: '--help' }].flatMap(
      ({ long }) => long ?? [],
    );
  const argument =
    command.registeredArguments[Math.min(plain, command.registeredArguments.length - 1)];
  const names = command.commands.map((one) => one.name()).filter((name) => name !== 'complete');
  // Only at serve models follow a model.
  const name = argument?.name() ?? '';
  const takesModel = name === 'models' || (plain === 0 && MODEL_WORDS.has(name));
  const models = takesModel ? await modelNames() : [];
  // What is downloaded or converted is a checkpoint of the hub.
  const published =
    plain === 0 && /^(repo|checkpoint)$/.test(name) ? Object.keys(publishedModels) : [];
  return [...names, ...(argument?.argChoices ?? []), ...models, ...published];
}

function find(command: Command, program: Command, word: string): Option | undefined {
  return [...command.options, ...program.options].find((option) =>
    [option.long, option.short].includes(word),
  );
}

/** Without their types: shells take the colon for the end of a word. */
async function modelNames(): Promise<string[]> {
  return [...shortNames, ...(await listModels()).map(entryName)];
}
