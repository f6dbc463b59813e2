/**
 * Who includes whom in native/ (`node scripts/check-native-rooms.mjs`): no room includes a later one, and only js/ knows
 * Node-API. Includes of llama.cpp and the system are not looked at, nor is what a header includes in turn.
 */
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { Failure, main } from './build/failure.mjs';

const NATIVE = fileURLToPath(new URL('../native', import.meta.url));

/** In the order of their includes. '.' is what lies beside the rooms; the first three know nothing of what follows. */
const ROOMS = ['interop', 'kernels', 'kernels-test', '.', 'gguf', 'llama', 'vision', 'js'];
const NODE_API = /^(napi|node_api|js_native_api|node|uv|v8)\b/;

const roomOf = (file) => (file.includes('/') ? file.slice(0, file.indexOf('/')) : '.');

/** The file of ours that an include means, as the compiler finds it: beside the includer, then in native/. */
function target(include, from, files) {
  const places = [
    path.posix.join(path.posix.dirname(from), include),
    path.posix.normalize(include),
  ];
  return places.find((place) => place in files);
}

/** @param files text by path inside native/, with '/' @returns what is wrong, a line each */
export function roomProblems(files) {
  const problems = [];
  for (const [file, text] of Object.entries(files)) {
    const room = roomOf(file);
    if (!ROOMS.includes(room)) problems.push(`native/${file}: there is no room '${room}'`);
    for (const [, include] of text.matchAll(/^[ \t]*#[ \t]*include[ \t]*[<"]([^>"]+)[>"]/gm)) {
      const included = target(include, file, files);
      if (included === undefined) {
        if (room === 'js' || !NODE_API.test(include)) continue;
        problems.push(`native/${file}: only js/ may include ${include}`);
      } else if (ROOMS.indexOf(roomOf(included)) > ROOMS.indexOf(room)) {
        problems.push(`native/${file}: ${included} lies in a later room`);
      }
    }
  }
  return problems;
}

function readNative() {
  const names = readdirSync(NATIVE, { recursive: true }).filter((name) => /\.(cc|h)$/.test(name));
  if (names.length === 0) throw new Failure(`There are no sources in ${NATIVE}.`);
  const texts = names.map((name) => readFileSync(path.join(NATIVE, name), 'utf8'));
  return Object.fromEntries(names.map((name, i) => [name.replaceAll(path.sep, '/'), texts[i]]));
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  await main(() => {
    const problems = roomProblems(readNative());
    if (problems.length > 0) throw new Failure(problems.join('\n'));
  });
}
