/** The chat page as files that the server hands out: no address of anything but them, so that it works without a network. */
import { defineConfig } from 'vite';

export default defineConfig({
  root: import.meta.dirname,
  base: './',
  oxc: { jsx: { runtime: 'automatic', importSource: 'preact' } },
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
  },
});
