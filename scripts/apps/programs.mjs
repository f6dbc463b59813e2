/** The app that is tried everywhere, in each of the ways that it may be loaded: it asks the demonstration's model about a picture. */
import { cpSync, writeFileSync } from 'node:fs';
import path from 'node:path';

const ASK = `
const files = { model: 'models/demo-f16.gguf', mmproj: 'models/mmproj-demo-f16.gguf' };
async function ask(LlavaOneVision) {
  const model = await LlavaOneVision.load({ ...files, threads: 1, contextSize: 1024 });
  try {
    const content = [{ type: 'image', image: 'models/picture.png' }, { type: 'text', text: QUESTION }];
    return (await model.chat([{ role: 'user', content }]).result).text;
  } finally {
    await model.dispose();
  }
}
`;

/** @param demo `{ question, answer }` @param models folder with the files above */
export function writeApp(app, { question, answer }, models) {
  const text = ASK.replace('QUESTION', JSON.stringify(question));
  const write = (name, code) => writeFileSync(path.join(app, name), code);
  const load = "import { LlavaOneVision } from 'llava-onevision';";
  write('ask.mjs', `${load}${text}console.log(await ask(LlavaOneVision));\n`);
  write('ask.cjs', `${text}ask(require('llava-onevision').LlavaOneVision).then(console.log);\n`);
  write(
    'worker.mjs',
    `import { Worker } from 'node:worker_threads';\nnew Worker(new URL('./ask.mjs', import.meta.url));\n`,
  );
  write(
    'ask.test.mjs',
    `import { expect, test } from 'vitest';\n${load}${text}` +
      `test('asks', async () => expect(await ask(LlavaOneVision)).toBe(${JSON.stringify(answer)}), 120_000);\n`,
  );
  write(
    'esbuild.mjs',
    `import { build } from 'esbuild';
     await build({ entryPoints: ['ask.mjs'], outfile: 'esbuilt.mjs', bundle: true, platform: 'node',
       format: 'esm', external: ['llava-onevision'] });
     await import('./esbuilt.mjs');\n`,
  );
  write(
    'webpack.mjs',
    `import webpack from 'webpack';
     const config = { entry: './ask.mjs', target: 'node20', mode: 'production',
       externals: { 'llava-onevision': 'module llava-onevision' }, experiments: { outputModule: true },
       output: { path: process.cwd(), filename: 'webpacked.mjs', module: true } };
     await new Promise((resolve, reject) => webpack(config, (error, stats) =>
       error || stats.hasErrors() ? reject(error ?? stats.toString()) : resolve()));
     await import('./webpacked.mjs');\n`,
  );
  write('package.json', '{ "name": "app", "version": "1.0.0", "private": true }\n');
  cpSync(models, path.join(app, 'models'), { recursive: true });
}

/** The flags that docs/install.md prints, for this folder and this Node. */
export function permissionFlags(docs, app, version = process.versions.node) {
  const [, printed = ''] = /node (--permission [^\n]*) app\.mjs/.exec(docs) ?? [];
  const [major = 0, minor = 0] = version.split('.').map(Number);
  const isStable = major > 23 || (major === 23 && minor >= 5) || (major === 22 && minor >= 13);
  return printed
    .replace('--permission', isStable ? '--permission' : '--experimental-permission')
    .replace('/srv/app', app)
    .split(' ');
}
