// The import boundaries, tested by breaking them: each plant is a small tree with one import that a rule forbids, as deep
// inside a room as a careless commit would put it.
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { cruise, type ICruiseOptions, type ICruiseResult, type IForbiddenRuleType } from 'dependency-cruiser';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

const root = join(import.meta.dirname, '../..');
const ROOTS = ['main', 'renderer/src', 'preload'];

interface Configuration {
  readonly forbidden: IForbiddenRuleType[];
  readonly options: ICruiseOptions;
}

/** What is forbidden, and every module that was looked at. */
async function violationsIn(folder: string) {
  const { default: configuration } = (await import(join(root, '.dependency-cruiser.mjs'))) as {
    default: Configuration;
  };
  const { forbidden, options } = configuration;
  const { output } = await cruise(ROOTS, {
    ...options,
    baseDir: folder,
    validate: true,
    ruleSet: { forbidden },
  });
  const { summary, modules } = output as ICruiseResult;
  return {
    broken: summary.violations.map(({ rule }) => rule.name),
    sources: new Set(modules.map(({ source }) => source)),
  };
}

/** Files by path, the first of which imports the rest in the way that the line says. */
type Plant = readonly [rule: string, files: Readonly<Record<string, string>>];

const value = 'export const value = 1;\n';
const PLANTS: readonly Plant[] = [
  [
    'main/contract imports only what stands before it',
    { 'main/contract/api/deep/a.ts': "import '../../../hosts/cli/main.ts';\n", 'main/hosts/cli/main.ts': value },
  ],
  [
    'main/contract/base imports only what stands before it',
    { 'main/contract/base/a.ts': "import '../api/b.ts';\n", 'main/contract/api/b.ts': value },
  ],
  ['the contract knows no Node', { 'main/contract/api/deep/a.ts': "import 'node:fs';\n" }],
  [
    'main/core/edits imports only what stands before it',
    { 'main/core/edits/deep/deeper/a.ts': "import '../../../export/b.ts';\n", 'main/core/export/b.ts': value },
  ],
  [
    'main/storage imports only what stands before it',
    { 'main/storage/entities/a.ts': "import '../../workbench/b.ts';\n", 'main/workbench/b.ts': value },
  ],
  [
    'main/workbench imports only what stands before it',
    {
      'main/workbench/deep/a.ts': "import type { B } from '../../hosts/api/b.ts';\nexport type A = B;\n",
      'main/hosts/api/b.ts': 'export type B = 1;\n',
    },
  ],
  [
    'the pages and the preload script know main/contract only',
    {
      'renderer/src/pages/deep/A.svelte': "<script>\n  import '../../../../main/core/b.ts';\n</script>\n",
      'main/core/b.ts': value,
    },
  ],
  ['the pages know no Node', { 'renderer/src/state/deep/a.ts': "import 'node:path';\n" }],
  [
    'renderer/src/api imports only what stands before it',
    { 'renderer/src/api/a.ts': "import '../state/deep/b.ts';\n", 'renderer/src/state/deep/b.ts': value },
  ],
  [
    'renderer/src/shell imports only what stands before it',
    { 'renderer/src/shell/a.ts': "import '../pages/x/b.ts';\n", 'renderer/src/pages/x/b.ts': value },
  ],
  [
    'main does not know the pages',
    { 'main/hosts/web/deep/a.ts': "import '../../../../renderer/src/b.ts';\n", 'renderer/src/b.ts': value },
  ],
  [
    'the program does not import helpers of tests',
    { 'main/workbench/a.ts': "import '../testing/x/b.ts';\n", 'main/testing/x/b.ts': value },
  ],
  ['electron is known to its host and the preload script only', { 'main/workbench/deep/a.ts': "import 'electron';\n" }],
  [
    'handlers hold no rules: they know the contract, the workbench and their host',
    { 'main/hosts/api/handlers/a.ts': "import '../../../core/edits/b.ts';\n", 'main/core/edits/b.ts': value },
  ],
  [
    'hosts know the types of the engine, never ONNX Runtime',
    { 'main/workbench/deep/a.ts': "import 'onnxruntime-node';\n" },
  ],
  [
    'tests of core need no engine, no database and no host',
    {
      'main/core/onnx/deep/a.test.ts': "import type { B } from '../../../engine/b.ts';\nexport type A = B;\n",
      'main/engine/b.ts': 'export type B = 1;\n',
    },
  ],
  [
    'only the engine makes a runtime: a run blocks its thread',
    { 'main/core/finder/a.ts': "import '../onnx/cpuRuntime.ts';\n", 'main/core/onnx/cpuRuntime.ts': value },
  ],
  [
    'no import cycles',
    {
      'main/core/onnx/a.ts': "import type { B } from './deep/b.ts';\nexport type A = B;\n",
      'main/core/onnx/deep/b.ts': "import type { A } from '../a.ts';\nexport type B = A;\n",
    },
  ],
  ['every import resolves', { 'main/core/onnx/a.ts': "import './notThere.ts';\n" }],
];

describe('the import boundaries', () => {
  let folder: string;
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'errata-boundaries-'));
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  it.each(PLANTS)('are enforced: %s', async (rule, files) => {
    const planted = mkdtempSync(join(folder, 'plant-'));
    for (const each of ROOTS) mkdirSync(join(planted, each), { recursive: true });
    for (const [path, text] of Object.entries(files)) {
      mkdirSync(dirname(join(planted, path)), { recursive: true });
      writeFileSync(join(planted, path), text);
    }
    symlinkSync(join(root, 'node_modules'), join(planted, 'node_modules'));
    expect(new Set((await violationsIn(planted)).broken)).toEqual(new Set([rule]));
  });

  it('reach every file of the program, and none breaks them', async () => {
    const { stdout } = spawnSync('git', ['ls-files', ...ROOTS], { cwd: root, encoding: 'utf8' });
    const files = stdout.split('\n').filter((path) => /\.(?:ts|svelte)$/u.test(path) && !path.endsWith('.d.ts'));
    expect(files.length).toBeGreaterThan(500);
    const { broken, sources } = await violationsIn(root);
    expect(broken).toEqual([]);
    expect(files.filter((path) => !sources.has(path))).toEqual([]);
  });
});
