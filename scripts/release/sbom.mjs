/**
 * What the packages consist of, in CycloneDX (`node scripts/release/sbom.mjs [DIR] > sbom.json`): npm's own list of the
 * dependencies, and what is compiled into the addon, which npm cannot know: llama.cpp, and for each package that
 * build-package.mjs has noted in DIR what a GPU's toolkit adds.
 */
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { main } from '../build/failure.mjs';
import { PIN } from '../build/llama-source.mjs';
import { licences } from './licences.mjs';
import { readNotes } from './notes.mjs';
import { npm } from './npm.mjs';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));

/** llama.cpp with ggml, which npm does not know of; the headers of Node-API are among the dependencies. */
function llamaComponent(tree) {
  const own = licences({ tree }).filter(({ version }) => version === PIN.tag);
  const lines = own.flatMap(({ text }) => text.match(/^.*copyright.*\d{4}.*$/gim) ?? []);
  return {
    type: 'library',
    'bom-ref': `llama.cpp@${PIN.tag}`,
    name: 'llama.cpp',
    version: PIN.tag,
    description: `With ggml, compiled into the addon; from the source inside ${PIN.package}@${PIN.version}`,
    licenses: [{ license: { id: 'MIT' } }],
    purl: `pkg:github/ggml-org/llama.cpp@${PIN.commit}`,
    pedigree: {
      patches: PIN.patches.map(({ file }) => ({
        type: 'unofficial',
        diff: { url: `scripts/build/${file}` },
      })),
    },
    evidence: { copyright: [...new Set(lines)].map((text) => ({ text: text.trim() })) },
  };
}

/** One component for each part and version, which names the packages that have it. @param notes of packages */
function toolkitComponents(notes) {
  const components = new Map();
  for (const { name: owner, toolkit } of notes) {
    for (const { name, version, licence } of toolkit) {
      const ref = [name, version].filter(Boolean).join('@');
      const component = components.get(ref) ?? {
        ...{ type: 'library', 'bom-ref': ref, name, ...(version && { version }) },
        licenses: [{ license: SPDX.includes(licence) ? { id: licence } : { name: licence } }],
        properties: [],
      };
      component.properties.push({ name: 'llava-onevision:in', value: `@llava-onevision/${owner}` });
      components.set(ref, component);
    }
  }
  return [...components.values()];
}

const SPDX = ['MIT', 'BSD-3-Clause'];

/**
 * @param document npm's own
 * @param {{ notes?: object[], tree?: string }} options notes as build-package.mjs writes them, llama.cpp's tree
 */
export function sbomOf(document, { notes = [], tree } = {}) {
  const added = [llamaComponent(tree), ...toolkitComponents(notes)];
  const refs = added.map((component) => component['bom-ref']);
  const self = document.metadata.component['bom-ref'];
  const dependencies = document.dependencies.map((entry) =>
    entry.ref === self ? { ...entry, dependsOn: [...entry.dependsOn, ...refs] } : entry,
  );
  return {
    ...document,
    components: [...document.components, ...added],
    dependencies: [...dependencies, ...refs.map((ref) => ({ ref, dependsOn: [] }))],
  };
}

/** By the lockfile: every platform's, whatever is installed here. @throws Failure */
export function npmSbom() {
  const args = [
    'sbom',
    '--sbom-format',
    'cyclonedx',
    '--sbom-type',
    'library',
    '--omit',
    'dev',
    '--package-lock-only',
  ];
  return JSON.parse(npm(args, { cwd: ROOT }));
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  await main(() => {
    const [folder] = process.argv.slice(2);
    const notes = folder ? readNotes(path.resolve(folder)) : [];
    console.log(JSON.stringify(sbomOf(npmSbom(), { notes }), null, 2));
  });
}
