// Lint, and the project's import boundaries: a room of main/, or a folder of main/core, may import from those before it,
// never from those after it; `electron` only in the Electron host and the preload script; the renderer sees main/contract only.
import js from '@eslint/js';
import importX from 'eslint-plugin-import-x';
import { createTypeScriptImportResolver } from 'eslint-import-resolver-typescript';
import svelte from 'eslint-plugin-svelte';
import globals from 'globals';
import ts from 'typescript-eslint';

/** The rooms of main/, and the folders of main/core, each in the order of its imports. */
const ROOMS = ['contract', 'core', 'engine', 'jobs', 'storage', 'workbench', 'hosts', 'testing'];
const CORE = [
  'numerics',
  'files',
  'onnx',
  'formats',
  'models',
  'activations',
  'dictionaries',
  'features',
  'labels',
  'edits',
  'interventions',
  'behaviours',
  'evaluation',
  'finder',
  'reports',
  'export',
];

/** One zone per folder: what stands after it in its list is out of reach, at any depth. Tests may reach anything. */
function zonesOf(parent, folders) {
  return folders.slice(0, -1).map((folder, index) => ({
    target: `${parent}/${folder}/**/!(*.test).ts`,
    from: folders.slice(index + 1).map((later) => `${parent}/${later}`),
    message: `${parent}/${folder} may only import from: ${folders.slice(0, index).join(', ') || 'itself'}.`,
  }));
}

const layerZones = [
  ...zonesOf('./main', ROOMS),
  ...zonesOf('./main/core', CORE),
  { target: './main/**/*.ts', from: ['./renderer', './preload'], message: 'main/ does not know the renderer.' },
];

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
