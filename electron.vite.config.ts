// Builds the three parts into out/{main,preload,renderer}. The main process has one entry per host,
// and per process and thread that a host starts; packages stay outside the bundle, so native modules are loaded from
// node_modules as they were installed.
import { svelte } from '@sveltejs/vite-plugin-svelte';
import { defineConfig } from 'electron-vite';
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

/** Fonts come in through a style sheet, where the bundler's own list of licences does not look. */
function fontLicences() {
  const text = (font: string) => readFileSync(join(import.meta.dirname, 'node_modules', font, 'LICENSE'), 'utf8');
  return {
    name: 'font-licences',
    generateBundle(this: { emitFile(file: { type: 'asset'; fileName: string; source: string }): void }) {
      const fonts = ['@fontsource-variable/ibm-plex-sans', '@fontsource/ibm-plex-mono'];
      const source = fonts.map((font) => `## ${font}\n\n${text(font)}`).join('\n');
      this.emitFile({ type: 'asset', fileName: 'THIRD_PARTY_FONTS.md', source });
    },
  };
}

const READ_TEXT = 'readFileSync(new URL(';
const TEXT_FILE = /readFileSync\(new URL\('(\.\/[\w.-]+)', import\.meta\.url\), 'utf8'\)/gu;

/** A text that code reads from the file next to it (the Python of exports) becomes part of the bundle. */
function textFiles() {
  return {
    name: 'text-files',
    // Before anything rewrites the code.
    enforce: 'pre' as const,
    transform(code: string, id: string) {
      if (id.includes('node_modules') || !code.includes(READ_TEXT)) return null;
      const text = (file: string) => JSON.stringify(readFileSync(join(dirname(id), file), 'utf8'));
      const bundled = code.replace(TEXT_FILE, (_, file: string) => text(file));
      if (bundled.includes(READ_TEXT)) throw new Error(`${id}: a file that it reads would not be in the bundle.`);
      return { code: bundled, map: null };
    },
  };
}

export default defineConfig({
  main: {
    plugins: [textFiles()],
    build: {
      sourcemap: true,
      rolldownOptions: {
        input: {
          index: 'main/hosts/electron/index.ts',
          web: 'main/hosts/web/index.ts',
          cli: 'main/hosts/cli/index.ts',
          engine: 'main/engine/index.ts',
          hostWatch: 'main/engine/hostWatch.ts',
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
    plugins: [svelte({ configFile: false }), fontLicences()],
  },
});
