/**
 * What the packages consist of, in CycloneDX (`node scripts/release/sbom.mjs > sbom.json`): npm's own list of the dependencies,
 * and what is compiled into the addon, which npm cannot know.
 */
import { fileURLToPath } from 'node:url';
import { main } from '../failure.mjs';
import { licences } from '../licences.mjs';
import { PIN } from '../llama-source.mjs';
import { npm } from '../npm.mjs';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));

/** llama.cpp with ggml, which npm does not know of; the headers of Node-API are among the dependencies. */
function llamaComponent() {
  const own = licences().filter(({ version }) => version === PIN.tag);
  const lines = own.flatMap(({ text }) => text.match(/^.*copyright.*\d{4}.*$/gim) ?? []);
  return {
    type: 'library',
    'bom-ref': `llama.cpp@${PIN.tag}`,
    name: 'llama.cpp',
    version: PIN.tag,
    description: `With ggml, compiled into the addon; from the source inside ${PIN.package}@${PIN.version}`,
    licenses: [{ license: { id: 'MIT' } }],
    purl: `pkg:github/ggml-org/llama.cpp@${PIN.commit}`,
    evidence: { copyright: [...new Set(lines)].map((text) => ({ text: text.trim() })) },
  };
}

/** @throws Failure */
export function sbom() {
  const args = ['sbom', '--sbom-format', 'cyclonedx', '--sbom-type', 'library', '--omit', 'dev'];
  const document = JSON.parse(npm(args, { cwd: ROOT }));
  const llama = llamaComponent();
  const ref = llama['bom-ref'];
  const self = document.metadata.component['bom-ref'];
  const dependencies = document.dependencies.map((entry) =>
    entry.ref === self ? { ...entry, dependsOn: [...entry.dependsOn, ref] } : entry,
  );
  return {
    ...document,
    components: [...document.components, llama],
    dependencies: [...dependencies, { ref, dependsOn: [] }],
  };
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  await main(() => console.log(JSON.stringify(sbom(), null, 2)));
}
