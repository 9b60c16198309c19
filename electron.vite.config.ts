// Builds the three parts into out/{main,preload,renderer}. The main process has one entry per host plus the engine;
// packages stay outside the bundle, so native modules are loaded from node_modules as they were installed.
import { svelte } from '@sveltejs/vite-plugin-svelte';
import { defineConfig } from 'electron-vite';

export default defineConfig({
  main: {
    build: {
      sourcemap: true,
      rolldownOptions: {
        input: {
          index: 'main/hosts/electron/index.ts',
          web: 'main/hosts/web/index.ts',
          cli: 'main/hosts/cli/index.ts',
          engine: 'main/engine/index.ts',
          storage: 'main/storage/storageThread.ts',
        },
        output: { format: 'es' },
      },
    },
  },
  preload: {
    build: {
      rolldownOptions: {
        input: { index: 'preload/index.ts' },
        // A sandboxed preload script must be one CommonJS file.
        output: { format: 'cjs', entryFileNames: '[name].cjs' },
      },
    },
  },
  renderer: {
    root: 'renderer',
    // Fonts stay files: the policy of the pages allows none inside of a style sheet.
    build: {
      minify: true,
      assetsInlineLimit: 0,
      // What is bundled leaves its own licence file behind, so the texts travel with the pages.
      license: { fileName: 'THIRD_PARTY_NOTICES.md' },
      rolldownOptions: { input: 'renderer/index.html' },
    },
    plugins: [svelte({ configFile: false })],
  },
});
