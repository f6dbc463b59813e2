/** `schema`: the grammar of a JSON schema or why there is none, and whether the schema's answers could be a given one. */
import { Command } from 'commander';
import { native } from '../addon/load-addon.js';
import { admits } from '../grammar/admits.js';
import { jsonSchemaToGrammar } from '../grammar/json-schema-to-grammar.js';
import { asUsage } from './shared/flags.js';
import { readJson } from './shared/format-flags.js';

const EXAMPLES = `
Examples:
  $ llava-onevision schema invoice.schema.json
  $ llava-onevision schema invoice.schema.json --instance invoice.json

The grammar goes to stdout, in llama.cpp's GBNF. What no grammar can keep is refused with its place in the schema. With
--instance only the verdict is printed; the instance may be laid out as you like, but its properties have to stand in the
order of the schema. Exit status 1: refused, or not admitted.`;

export function schemaCommand(): Command {
  const command = new Command('schema')
    .description('show what a JSON schema makes of answers')
    .argument('<schema>', 'a file with a JSON schema')
    .option('--instance <file>', 'a file with JSON: is it admitted?')
    .addHelpText('after', EXAMPLES);
  return command.action((file: string, { instance }: { instance?: string }) =>
    asUsage(command, async () => {
      const schema: unknown = JSON.parse(await readJson(file, 'a JSON schema'));
      if (instance === undefined) process.stdout.write(jsonSchemaToGrammar(schema));
      else await judge(schema as Record<string, unknown>, instance);
    }),
  );
}

async function judge(schema: Record<string, unknown>, file: string): Promise<void> {
  const text = compact(await readJson(file, 'JSON', { argument: 'instance' }));
  const isAdmitted = await admits(native(), text, { type: 'json_schema', schema });
  process.stdout.write(isAdmitted ? 'admitted\n' : 'not admitted\n');
  if (!isAdmitted) process.exitCode = 1;
}

/** Without the white space between values; scalars and order stay as they are written. */
function compact(json: string): string {
  return json.replace(/("(?:[^"\\]|\\.)*")|\s+/g, (_, text: string | undefined) => text ?? '');
}
