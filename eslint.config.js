// Lint, and the project's import boundaries: a folder of main/ may import from the folders before it in LAYERS, never
// from those after it; `electron` only in the Electron host and the preload script; the renderer sees main/contract only.
import js from '@eslint/js';
import importX from 'eslint-plugin-import-x';
import { createTypeScriptImportResolver } from 'eslint-import-resolver-typescript';
import svelte from 'eslint-plugin-svelte';
import globals from 'globals';
import ts from 'typescript-eslint';

const LAYERS = [
  'contract',
  'numerics',
  'files',
  'onnx',
  'formats',
  'models',
  'activations',
  'dictionaries',
  'features',
  'edits',
  'evaluation',
  'finder',
  'export',
  'engine',
  'jobs',
  'storage',
  'workbench',
  'hosts',
];

/** One zone per folder: what stands after it in LAYERS is out of reach. Tests may reach anything. */
const layerZones = LAYERS.map((layer, index) => ({
  target: `./main/${layer}/!(*.test).ts`,
  from: [...LAYERS.slice(index + 1).map((later) => `./main/${later}`), './renderer', './preload'],
  message: `main/${layer} may only import from: ${LAYERS.slice(0, index).join(', ') || 'itself'}.`,
})).map((zone, index) => (LAYERS[index] === 'hosts' ? { ...zone, from: ['./renderer', './preload'] } : zone));

export default ts.config(
  { ignores: ['out/**', 'node_modules/**', 'test-results/**', 'playwright-report/**', 'resources/sample/**'] },
  js.configs.recommended,
  ...ts.configs.recommendedTypeChecked,
  ...svelte.configs.recommended,
  {
    languageOptions: {
      parserOptions: {
        projectService: { allowDefaultProject: ['*.js', 'bin/*.js'] },
        extraFileExtensions: ['.svelte'],
        tsconfigRootDir: import.meta.dirname,
      },
    },
    plugins: { 'import-x': importX },
    settings: {
      'import-x/resolver-next': [createTypeScriptImportResolver({ project: './tsconfig.json' })],
      // Without these, no-cycle does not look into TypeScript files, and finds nothing without saying so.
      'import-x/extensions': ['.ts', '.js'],
      'import-x/parsers': { '@typescript-eslint/parser': ['.ts'] },
    },
    rules: {
      'import-x/no-cycle': 'error',
      'import-x/no-restricted-paths': [
        'error',
        {
          zones: [
            ...layerZones,
            {
              target: ['./renderer', './preload'],
              from: './main',
              except: ['./contract'],
              message: 'The renderer and the preload script know main/contract only.',
            },
          ],
        },
      ],
      '@typescript-eslint/consistent-type-imports': 'error',
      '@typescript-eslint/no-explicit-any': 'error',
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_', ignoreRestSiblings: true }],
      '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true, allowBoolean: true }],
      '@typescript-eslint/prefer-promise-reject-errors': 'off',
      '@typescript-eslint/require-await': 'off',
      eqeqeq: ['error', 'smart'],
    },
  },
  {
    files: ['**/*.ts', '**/*.js'],
    ignores: ['main/hosts/electron/**', 'preload/**'],
    rules: {
      'no-restricted-imports': [
        'error',
        { paths: [{ name: 'electron', message: 'Only main/hosts/electron and preload may import electron.' }] },
      ],
    },
  },
  {
    files: ['**/*.svelte', '**/*.svelte.ts'],
    languageOptions: { globals: globals.browser, parserOptions: { parser: ts.parser } },
  },
  {
    // Components are linted without types: for each of them the compiler would begin again, which takes longer than all the
    // rest. svelte-check checks their types, and a promise that nobody handles is an error of the page in every window test.
    files: ['**/*.svelte'],
    ...ts.configs.disableTypeChecked,
    rules: {
      ...ts.configs.disableTypeChecked.rules,
      'svelte/no-unused-props': 'off',
      'svelte/require-store-reactive-access': 'off',
    },
  },
  { files: ['**/*.js'], ...ts.configs.disableTypeChecked, languageOptions: { globals: globals.node } },
);
