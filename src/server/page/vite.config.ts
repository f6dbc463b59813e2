/** The chat page as files that the server hands out: no address of anything but them, so that it works without a network. */
import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { defineConfig, type Plugin } from 'vite';

const WORKER = 'worker.js';

/** Tells the service worker what the page consists of, by names that change with it. */
const toldWorker: Plugin = {
  name: 'told-worker',
  enforce: 'post',
  generateBundle: {
    order: 'post',
    handler(_options, bundle) {
      const worker = bundle[WORKER];
      const index = bundle['index.html'];
      if (worker?.type !== 'chunk' || index?.type !== 'asset') this.error('No worker, or no page.');
      const isCode = (name: string) => /^assets\/.*\.(?:js|css)$/.test(name);
      const files = Object.keys(bundle).filter(isCode).sort();
      const hash = createHash('sha256').update(index.source).update(files.join()).digest('hex');
      const build = JSON.stringify({ name: hash.slice(0, 16), files });
      worker.code = `const BUILD = ${build};\n${worker.code}`;
    },
  },
};

export default defineConfig({
  root: import.meta.dirname,
  base: './',
  oxc: { jsx: { runtime: 'automatic', importSource: 'preact' } },
  plugins: [toldWorker],
  build: {
    outDir: '../../../dist/src/server/page',
    emptyOutDir: true,
    // Of what is put into it.
    license: { fileName: 'assets/LICENSES.md' },
    target: 'es2022',
    // An inlined picture or font would need `data:` in the page's policy.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    reportCompressedSize: true,
    rolldownOptions: {
      input: {
        index: join(import.meta.dirname, 'index.html'),
        worker: join(import.meta.dirname, 'offline/worker.ts'),
      },
      output: {
        // At the top, from where all of the page is in its reach.
        entryFileNames: ({ name }) => (name === 'worker' ? WORKER : 'assets/[name]-[hash].js'),
      },
    },
  },
});
