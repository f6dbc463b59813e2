// The required tests of a draft in the JSON-Schema-Test-Suite (a folder such as tests/draft7) as cases.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { spaced } from './json-source.mjs';

export function suiteCases(folder) {
  const files = readdirSync(folder).filter((name) => name.endsWith('.json'));
  return files.flatMap((file) =>
    JSON.parse(readFileSync(join(folder, file), 'utf8')).map(({ description, schema, tests }) => ({
      name: `${file}: ${description}`,
      schema,
      tests: tests.map(({ valid, data }) => ({
        isValid: valid,
        text: spaced(JSON.stringify(data)),
      })),
    })),
  );
}
