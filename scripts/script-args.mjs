/**
 * The options of a script that a person starts: as parseArgs of node:util, and --help prints the comment at the script's head,
 * which says them. What is wrong is said in a line, and ends the script with status 2.
 */
import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';

/**
 * @param file the script, `import.meta.filename`
 * @param config as parseArgs takes it
 */
export function scriptArgs(file, config) {
  const options = { ...config.options, help: { type: 'boolean', short: 'h' } };
  try {
    const parsed = parseArgs({ ...config, options });
    if (!parsed.values.help) return parsed;
    process.stdout.write(`${headOf(file)}\n`);
    process.exit(0);
  } catch (error) {
    if (!String(error.code).startsWith('ERR_PARSE_ARGS')) throw error;
    process.stderr.write(`${error.message}\n\n${headOf(file)}\n`);
    process.exit(2);
  }
}

/** The comment at a script's head, without what makes it one. */
function headOf(file) {
  const lines = readFileSync(file, 'utf8')
    .replace(/^#!.*\n/, '')
    .split(/\r?\n/);
  const isBlock = lines[0] === '/**';
  const isIn = isBlock ? (line) => line !== ' */' : (line) => line.startsWith('//');
  const end = lines.findIndex((line) => !isIn(line));
  return lines
    .slice(isBlock ? 1 : 0, end)
    .map((line) => line.replace(/^(\/\/| \*) ?/, ''))
    .join('\n');
}
