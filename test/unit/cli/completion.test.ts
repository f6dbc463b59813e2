/** What Tab offers, by the program's own commands and options. */
import { spawnSync } from 'node:child_process';
import { tmpdir } from 'node:os';
import { Argument, Command, Option } from 'commander';
import { beforeEach, describe, expect, test, vi } from 'vitest';
import { PACKAGE_ROOT } from '../../../src/addon/package-root.js';
import { candidates, completionCommand } from '../../../src/cli/completion.js';

const program = new Command('llava-onevision').option('--quiet').version('1');
program
  .command('run')
  .argument('[words...]')
  .option('--model <model>')
  .option('--json')
  .addOption(new Option('--dialect <name>').choices(['llava-next', 'transformers']))
  .option('--prompt <text>');
program.command('serve').argument('[models...]');
program.command('pull').argument('<repo>');
program.command('convert').argument('<checkpoint>');
program.command('models').command('rm').argument('<name...>');
program.command('completion').addArgument(new Argument('<shell>').choices(['bash', 'zsh']));
program.command('complete');

beforeEach(() => {
  vi.stubEnv('LLAVA_ONEVISION_CACHE', '/nowhere');
});

describe('after', () => {
  test.each<[string, string[]]>([
    ['', ['run', 'serve', 'pull', 'convert', 'models', 'completion']],
    ['com', ['completion']],
    ['run --di', ['--dialect']],
    ['run --dialect ', ['llava-next', 'transformers']],
    ['run --dialect llava-next --q', ['--quiet']],
    ['run 0', ['0.5b-si', '0.5b-ov']],
    ['run --json d', ['demo']],
    ['run --model d', ['demo']],
    ['run demo ', []],
    ['run --prompt ', []],
    ['run --prompt run d', ['demo']],
    ['serve d', ['demo']],
    ['serve demo 0', ['0.5b-si', '0.5b-ov']],
    ['pull 0', ['0.5b-si', '0.5b-ov']],
    ['pull d', []],
    ['convert 0', ['0.5b-si', '0.5b-ov']],
    ['convert 0.5b-ov ', []],
    ['models r', ['rm']],
    ['models rm de', ['demo']],
    ['completion z', ['zsh']],
    ['nonsense x', []],
  ])('"%s"', async (line, expected) => {
    expect(await candidates(program, line.split(' '))).toEqual(expected);
  });
});

describe('the script of', () => {
  const script = async (shell: string) => {
    const write = vi.spyOn(process.stdout, 'write').mockReturnValue(true);
    await completionCommand().parseAsync([shell], { from: 'user' });
    const [[text]] = write.mock.calls as [[string]];
    write.mockRestore();
    return text;
  };
  /** Stands in for the program: says what it was asked. */
  const program = 'llava-onevision() { printf "%s|" "$@"; echo; }\n';

  test('bash asks with the words up to the cursor', async (context) => {
    const ask =
      'COMP_WORDS=(llava-onevision run "a b" --j later); COMP_CWORD=3; _llava_onevision; echo "$COMPREPLY"';
    const { status, stdout, stderr, error } = spawnSync(
      'bash',
      ['-c', `${program}${await script('bash')}${ask}`],
      { encoding: 'utf8' },
    );
    context.skip(error !== undefined, 'needs bash');
    expect([status, stdout, stderr]).toEqual([0, 'complete|--|run|a b|--j|\n', '']);
  });

  test('zsh asks so too, and takes files where nothing else can stand', async (context) => {
    const zsh = (words: string) =>
      `llava-onevision() { [[ $5 ]] && printf "%s|" "$@"; }; compdef() {}
       compadd() { print -r -- "$1 \${(P)2}" }; _files() { print files }
       ${text}
       words=(llava-onevision ${words}) CURRENT=4; _llava_onevision`;
    const text = await script('zsh');
    const asked = spawnSync('zsh', ['-fc', zsh(`run "'a b'" --j later`)], { encoding: 'utf8' });
    context.skip(asked.error !== undefined, 'needs zsh');
    expect([asked.stdout, asked.stderr]).toEqual(['-a complete|--|run|a b|--j|\n', '']);
    const nothing = spawnSync('zsh', ['-fc', zsh("run x ''")], { encoding: 'utf8' });
    expect([nothing.stdout, nothing.stderr]).toEqual(['files\n', '']);
  });

  test('fish asks so too, and takes files where nothing else can stand', async (context) => {
    const text = await script('fish');
    const complete = (line: string) =>
      `function llava-onevision; test -n "$argv[5]"; and string join '|' -- --json $argv; end
       ${text}; complete -C 'llava-onevision ${line}'`;
    const run = (line: string) =>
      spawnSync('fish', ['--no-config', '-c', complete(line)], {
        ...{ encoding: 'utf8', cwd: PACKAGE_ROOT },
        env: { ...process.env, HOME: tmpdir() },
      });
    const asked = run('run "a b" --j');
    context.skip(asked.error !== undefined, 'needs fish');
    expect([asked.stdout, asked.stderr]).toEqual(['--json|complete|--|run|a b|--j\n', '']);
    expect(run('run x ').stdout).toContain('README.md');
  });
});
