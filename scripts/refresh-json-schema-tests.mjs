// The required tests of JSON-Schema-Test-Suite's drafts 7 and 2020-12 as test/golden/json-schema keeps them.
//
//   node scripts/refresh-json-schema-tests.mjs CHECKOUT      a checkout of github.com/json-schema-org/JSON-Schema-Test-Suite
//
// One line for each schema, as `npm run bench:schema` reads it. Numbers stay as they are written there: 1.0 is not 1.
import { copyFileSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { compact, members, parted } from '../bench/json-source.mjs';

const [checkout] = process.argv.slice(2);
if (!checkout) throw new Error('usage: node scripts/refresh-json-schema-tests.mjs CHECKOUT');
const target = new URL('../test/golden/json-schema/', import.meta.url);

function caseOf(file, source) {
  const { description, schema, tests } = members(source);
  const instances = parted(tests).map((test) => {
    const { valid, data } = members(test);
    return `{"valid":${compact(valid)},"data":${compact(data)}}`;
  });
  const name = JSON.stringify(`${file}: ${JSON.parse(description)}`);
  return `{"name":${name},"schema":${compact(schema)},"tests":[${instances.join()}]}\n`;
}

for (const draft of ['draft7', 'draft2020-12']) {
  const folder = join(checkout, 'tests', draft);
  const files = readdirSync(folder).filter((name) => name.endsWith('.json'));
  const lines = files.flatMap((file) =>
    parted(readFileSync(join(folder, file), 'utf8')).map((source) => caseOf(file, source)),
  );
  writeFileSync(new URL(`${draft}.jsonl`, target), lines.join(''));
}
copyFileSync(join(checkout, 'LICENSE'), new URL('LICENSE', target));
