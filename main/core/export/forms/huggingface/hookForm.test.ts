// Hugging Face folders with a hook: what they hold, that they say the same as the workbench, and that the Python in them runs.
import { spawnSync } from 'node:child_process';
import { cp, mkdir, readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { randomDictionary } from '../../../../testing/dictionaries/randomDictionary.ts';
import { hashDictionary } from '../../../dictionaries/dictionary.ts';
import { DICTIONARY_KINDS, type DictionaryKind } from '../../../dictionaries/kinds/index.ts';
import type { Operation } from '../../../../contract/domain/operations/index.ts';
import type { Scope } from '../../../../contract/domain/operations/target.ts';
import { EXAMPLE_ACTIONS } from '../../../../testing/edits/randomEdits.ts';
import { referenceEdit } from '../../../../testing/edits/referenceEdit.ts';
import { runtime } from '../../../../testing/models/runVariant.ts';
import { TINY_NAMES, type TinyName } from '../../../../testing/models/tinyModels.ts';
import { openTinyModel, temporaryFolder } from '../../../../testing/models/temporaryFolder.ts';
import { Random } from '../../../numerics/random.ts';
import { exportModel, type ExportOptions } from '../../exportModel.ts';
import { editOfHook, hookOf, readHook, writeHook } from './hookFile.ts';
import { hookFormula } from './hookFormula.ts';
import { planHook } from './hookPlan.ts';
import { HOOK_PYTHON } from './hookPython.ts';
import { exportBench } from '../../../../testing/export/exportBench.ts';
import { checkPython } from '../../pythonCheck.ts';
import { verifyArtifact } from '../../verifyArtifact.ts';
import { EXPORT_FORMS } from '../index.ts';

const SCOPES: readonly Scope[] = [
  { positions: 'all' },
  { positions: 'notBos' },
  { positions: 'promptOnly' },
  { positions: 'generatedOnly' },
  { positions: 'fromFirstFiring', feature: 7 },
];
/** Every kind in every scope, half of them gated, each at a feature of its own. */
function everyOperation(target: Pick<Operation, 'site' | 'dictionary'>): Operation[] {
  return SCOPES.flatMap((scope, s) =>
    EXAMPLE_ACTIONS.map((action, a) => {
      const feature = s * EXAMPLE_ACTIONS.length + a;
      const gates =
        feature % 2 === 0
          ? []
          : [
              { feature: feature + 1, threshold: 0.2 },
              { feature: 3, threshold: 0.9 },
            ];
      return { ...target, ...action, scope, gates, feature };
    }),
  );
}

async function hookBench(name: TinyName, sites: readonly string[], architecture: DictionaryKind) {
  const model = await openTinyModel(name);
  const bench = await exportBench(model);
  const modelHash = await model.hash();
  const made = sites.map((site, index) => {
    const d = model.sites.find((one) => one.name === site)?.width ?? 0;
    const dictionary = {
      ...randomDictionary(new Random(index + 5), architecture, { d, size: 48, k: 12, site }),
      modelHash,
    };
    return { dictionary, hash: hashDictionary(dictionary) };
  });
  const operations = made.flatMap(({ dictionary, hash }) =>
    everyOperation({ site: dictionary.site, dictionary: hash }),
  );
  return {
    ...bench,
    runtime,
    dictionaries: new Map(made.map(({ hash, dictionary }) => [hash, dictionary])),
    edit: { operations },
  };
}

async function exported(options: Omit<ExportOptions, 'form' | 'folder'>) {
  const folder = join(await temporaryFolder(), 'artifact');
  return { folder, result: await exportModel({ ...options, form: 'huggingface', folder }) };
}

const HOOKED = ['hook_resid_pre', 'attn.hook_z', 'hook_attn_out', 'hook_mlp_out', 'mlp.hook_post', 'hook_resid_post'];

describe('a folder with a hook', () => {
  it.each(DICTIONARY_KINDS)(
    'of a %s dictionary computes every operation in every scope as the workbench does',
    async (architecture) => {
      const bench = await hookBench('gpt2', ['blocks.0.hook_resid_mid', 'blocks.1.hook_resid_post'], architecture);
      const { folder, result } = await exported(bench);
      expect(result).toMatchObject({ maxAbsLogitDiff: 0, kl: 0, greedyAgreement: 1, deviation: null });
      expect(result.effect.logits.maxAbsLogitDiff).toBeGreaterThan(0.1);
      const { formula } = result;
      expect(formula?.positions).toBeGreaterThan(100);
      expect((formula?.undecided ?? NaN) / (formula?.positions ?? 0)).toBeLessThan(0.1);
      expect(formula?.maxAbsDiff).toBeLessThan(1e-4);
      expect(result.python).toEqual({ state: 'notChecked', reason: 'It was not asked for.' });
      expect(await verifyArtifact({ runtime, folder })).toMatchObject({ maxAbsLogitDiff: 0, unlisted: [] });
    },
  );

  it.each(TINY_NAMES)('of a tiny %s names modules for every site but the inside of a norm', async (name) => {
    const { modules, sites } = await openTinyModel(name);
    for (const { name: site } of sites) {
      const [operation] = everyOperation({ site, dictionary: 'd'.repeat(64) });
      const plan = planHook({ modules }, operation ? [operation] : []);
      const isRefused = 'refused' in plan;
      const isEmbedding = site === 'hook_embed' && /^gemma|^granite|narrow/u.test(name);
      const isScaled = name.startsWith('granite') && /_(?:attn_out|mlp_out|resid_mid)$/u.test(site);
      expect(isRefused, site).toBe(site.endsWith('hook_normalized') || isEmbedding || isScaled);
      if (!isRefused) expect(plan.get(site)?.module, site).toMatch(/^\w+(\.\w+)+$/u);
    }
  });

  it('keeps the original apart, and links its weights', async () => {
    const bench = await hookBench(
      'llama',
      HOOKED.map((site) => `blocks.1.${site}`),
      'jumprelu',
    );
    const { folder, result } = await exported(bench);
    expect((await readdir(folder)).sort()).toEqual(
      [
        'README.md',
        'check.py',
        'edit.json',
        'edit.safetensors',
        'equivalence.json',
        'errata_edit.py',
        'manifest.json',
        'original',
        'reference.safetensors',
      ].sort(),
    );
    const [weights = ''] = bench.model.weightFiles;
    expect((await stat(join(folder, 'original/model.safetensors'))).ino).toBe((await stat(weights)).ino);
    const linked = result.manifest.files.find(({ path }) => path === 'original/model.safetensors');
    expect(linked?.storage).toBe('link');
    expect(await readFile(join(folder, 'README.md'), 'utf8')).toContain('It is *not* patched');
  });

  it('is found out when its rows or its description change', async () => {
    const { folder } = await exported(await hookBench('gpt2', ['blocks.1.hook_resid_post'], 'batchtopk'));
    for (const file of ['edit.json', 'edit.safetensors', 'errata_edit.py', 'original/config.json']) {
      const copy = join(await temporaryFolder(), 'copy');
      await cp(folder, copy, { recursive: true });
      const bytes = await readFile(join(copy, file));
      bytes[bytes.length - 3] = (bytes.at(-3) ?? 0) ^ 1;
      await writeFile(join(copy, file), bytes);
      const failing = verifyArtifact({ runtime, folder: copy });
      await expect(failing, file).rejects.toMatchObject({ code: 'verification-failed', details: { file } });
    }
  });
});

describe('the files of a hook', () => {
  async function written() {
    const bench = await hookBench('gpt2', ['blocks.0.hook_resid_post', 'blocks.1.attn.hook_z'], 'topk');
    const places = planHook(bench.model, bench.edit.operations);
    if ('refused' in places) throw new Error(places.refused);
    const hook = hookOf(bench.edit, bench.dictionaries, places, 1);
    const folder = await temporaryFolder();
    await writeHook(folder, hook);
    return { bench, hook, folder };
  }

  it('read back are what was written', async () => {
    const { hook, folder } = await written();
    expect(await readHook(folder)).toEqual(hook);
  });

  // The spelling of errata.hook.1: every errata_edit.py that was ever exported reads it.
  it('describe an operation of each kind as they always did', () => {
    const dictionary = randomDictionary(new Random(1), 'jumprelu', {
      d: 16,
      size: 48,
      site: 'blocks.0.hook_resid_post',
    });
    const target = { dictionary: 'a'.repeat(64), site: dictionary.site, scope: { positions: 'notBos' } as const };
    const actions = [
      { kind: 'ablate' },
      { kind: 'scale', factor: -1.5 },
      { kind: 'clamp', value: 2 },
      { kind: 'clampActive', value: -2 },
      { kind: 'floor', value: 2.5 },
      { kind: 'cap', value: 0.1 },
      { kind: 'steer', amount: 2.5 },
      { kind: 'project', factor: -0.5 },
    ] as const;
    const gates = [{ feature: 9, threshold: 0.5 }];
    const operations = actions.map((action, feature) => ({ ...target, ...action, feature, gates }));
    const place = { module: 'transformer.h.0', at: 'output', plusInputOf: null } as const;
    const places = new Map([[dictionary.site, place]]);
    const { description } = hookOf({ operations }, new Map([[target.dictionary, dictionary]]), places, 1);
    const written = (kind: string, row: number, number: number | null) =>
      `{"kind":"${kind}","feature":${row},"row":${row},"number":${number},"positions":"notBos","first_row":null,"gates":[{"feature":9,"threshold":0.5,"row":8}]}`;
    expect(description.places[0]?.dictionaries[0]?.operations.map((one) => JSON.stringify(one))).toEqual([
      written('ablate', 0, null),
      written('scale', 1, -1.5),
      written('clamp', 2, 2),
      written('clampActive', 3, -2),
      written('floor', 4, 2.5),
      written('cap', 5, 0.1),
      written('steer', 6, 2.5),
      written('project', 7, -0.5),
    ]);
  });

  it('give what the definition of the edit gives, in double precision', async () => {
    const { bench, hook } = await written();
    const random = new Random(3);
    for (const site of ['blocks.0.hook_resid_post', 'blocks.1.attn.hook_z']) {
      const tokens = [1, 5, 6, 1, 7, 8, 9, 10];
      const x = tokens.map(() => Float32Array.from({ length: 16 }, () => random.normal()));
      const operations = bench.edit.operations.filter((operation) => operation.site === site);
      const expected = referenceEdit({ x, tokens, promptLength: 4 }, operations, bench.dictionaries, 1);
      const actual = hookFormula(hook, site, { x, tokens, promptLength: 4 });
      for (const [position, row] of expected.entries()) {
        for (const [j, value] of row.entries()) expect(actual.x[position]?.[j]).toBeCloseTo(value, 4);
      }
      expect(actual.isUndecided.filter(Boolean).length).toBeLessThan(3);
    }
  });

  it('give the edit back', async () => {
    const { bench, folder } = await written();
    const { edit } = editOfHook(await readHook(folder));
    const plain = (operations: readonly Operation[]) => operations.map(({ dictionary: _dictionary, ...rest }) => rest);
    expect(plain(edit.operations)).toEqual(plain(bench.edit.operations));
  });

  it('are refused when they lie', async () => {
    const { folder } = await written();
    const description: unknown = JSON.parse(await readFile(join(folder, 'edit.json'), 'utf8'));
    type Changed = (copy: {
      places: {
        module: string;
        dictionaries: { name: string; k: number | null; operations: { row: number; number: number | null }[] }[];
      }[];
    }) => void;
    const lies: readonly (readonly [Changed, RegExp])[] = [
      [(copy) => (copy.places[0]!.module = '../../etc'), /path of a module/u],
      [(copy) => (copy.places[0]!.dictionaries[0]!.operations[0]!.row = 1e6), /asks for more/u],
      [(copy) => (copy.places[0]!.dictionaries[0]!.operations[0]!.number = 4), /wrong number/u],
      [(copy) => (copy.places[0]!.dictionaries[0]!.k = 1e9), /cannot keep/u],
      [(copy) => (copy.places[0]!.dictionaries[0]!.name = 'd1'), /twice/u],
      [(copy) => copy.places[0]!.dictionaries[0]!.operations.pop(), /wrong shape/u],
    ];
    for (const [lie, reason] of lies) {
      const copy = structuredClone(description);
      lie(copy as Parameters<Changed>[0]);
      const other = join(await temporaryFolder(), 'hook');
      await mkdir(other);
      await cp(join(folder, 'edit.safetensors'), join(other, 'edit.safetensors'));
      await writeFile(join(other, 'edit.json'), JSON.stringify(copy));
      await expect(readHook(other)).rejects.toMatchObject({ code: 'invalid-file' });
      await expect(readHook(other)).rejects.toThrow(reason);
    }
  });
});

const python = process.env['ERRATA_PYTHON'] ?? 'python3';
const has = (code: string) => spawnSync(python, ['-c', code]).status === 0;
const hasPython = has('pass');
const hasTransformers = hasPython && has('import torch, transformers, safetensors');
const hasOnnxRuntime = hasPython && has('import onnxruntime, numpy, safetensors');
if (!hasPython) console.log('skipped: the syntax of the Python files, because there is no Python');
if (!hasTransformers) console.log('skipped: exports loaded by transformers, because this Python does not have it');
if (!hasOnnxRuntime)
  console.log('skipped: exports loaded by onnxruntime in Python, because this Python does not have it');

describe.skipIf(!hasPython)('the Python files', () => {
  it.each([
    ['errata_edit.py', HOOK_PYTHON],
    ...Object.values(EXPORT_FORMS).map(({ name, checkModel }): [string, string] => [
      `check.py of the form ${name}`,
      checkPython(checkModel),
    ]),
  ])('%s compiles', async (_name, code) => {
    const path = join(await temporaryFolder(), 'file.py');
    await writeFile(path, code);
    const { status, stderr } = spawnSync(python, ['-m', 'py_compile', path], { encoding: 'utf8' });
    expect(stderr).toBe('');
    expect(status).toBe(0);
  });
});

/** The Python code of the README, run in the artifact's folder. */
async function runReadme(folder: string): Promise<string> {
  const code = /```python\n(.*?)```/su.exec(await readFile(join(folder, 'README.md'), 'utf8'))?.[1] ?? '';
  const { status, stdout, stderr } = spawnSync(python, ['-B', '-c', code], { cwd: folder, encoding: 'utf8' });
  expect(stderr.split('\n').filter((line) => line.includes('Error'))).toEqual([]);
  expect(status).toBe(0);
  return stdout;
}

describe.skipIf(!hasTransformers)('loaded by transformers', () => {
  it('a hooked granite gives the same at every site that a module holds', async () => {
    const sites = ['attn.hook_z', 'mlp.hook_post', 'hook_resid_pre', 'hook_resid_post'].map(
      (site) => `blocks.1.${site}`,
    );
    const { result } = await exported({ ...(await hookBench('granite', sites, 'batchtopk')), python });
    expect(result.python).toEqual(expect.objectContaining({ state: 'checked', greedyTexts: 8 }));
  }, 120_000);

  it.each([
    'gpt2',
    'gpt_neo',
    'gpt_neox parallel',
    'gpt_neox sequential',
    'llama',
    'mistral',
    'qwen2',
    'qwen3',
    'gemma',
    'gemma2',
    'gemma3',
    'opt',
    'phi',
    'phi3',
    'olmo',
    'olmo2',
    'stablelm',
    'stablelm parallel, heads normalised',
    'mixtral',
    'qwen2_moe',
    'qwen3_moe',
    'olmoe',
    'gpt_oss',
  ] as const)(
    'a hooked %s gives the same at every site',
    async (name) => {
      const known = (await openTinyModel(name)).sites.map((site) => site.name);
      const sites = [...HOOKED, 'hook_resid_mid']
        .map((site) => `blocks.1.${site}`)
        .filter((site) => known.includes(site));
      const { folder, result } = await exported({ ...(await hookBench(name, sites, 'batchtopk')), python });
      expect(result.python).toEqual(expect.objectContaining({ state: 'checked', greedyTexts: 8 }));
      if (name === 'gpt2') expect(await runReadme(folder)).toContain('(1, 3, 29)');
    },
    120_000,
  );

  it.each(['gpt2', 'llama', 'gemma2', 'opt'] as const)(
    'a plain checkpoint of a %s with a projection in its weights gives the same, and its README runs',
    async (name) => {
      const bench = await exportBench(await openTinyModel(name));
      const [{ dictionary } = { dictionary: '' }] = bench.edit.operations;
      const target = { dictionary, site: 'blocks.0.hook_resid_pre', feature: 2, gates: [] };
      const edit = { operations: [{ ...target, scope: { positions: 'all' }, kind: 'project', factor: 0 } as const] };
      const folder = join(await temporaryFolder(), 'artifact');
      const { python: checked } = await exportModel({ ...bench, edit, runtime, form: 'weights', folder, python });
      expect(checked).toEqual(expect.objectContaining({ state: 'checked', greedyTexts: 8, greedyTextsEqual: 8 }));
      expect(await runReadme(folder)).toContain('(1, 3, 29)');
    },
    120_000,
  );

  it('a topk dictionary, too', async () => {
    const bench = await hookBench('llama', ['blocks.0.hook_resid_mid', 'blocks.1.hook_resid_pre'], 'topk');
    const { result } = await exported({ ...bench, python });
    expect(result.python).toMatchObject({ state: 'checked', greedyTextsEqual: 8 });
  }, 120_000);
});

describe.skipIf(!hasOnnxRuntime)('loaded by onnxruntime in Python', () => {
  it('an ONNX export gives the same, and the README runs', async () => {
    const bench = await exportBench(await openTinyModel('gpt2'), {
      more: [{ scope: { positions: 'generatedOnly' } }, { scope: { positions: 'fromFirstFiring', feature: 7 } }],
    });
    const folder = join(await temporaryFolder(), 'artifact');
    const { python: checked } = await exportModel({ ...bench, runtime, form: 'embedded', folder, python });
    expect(checked).toMatchObject({ state: 'checked', greedyTextsEqual: 8 });
    expect(await runReadme(folder)).toContain('(1, 3, 29)');
  }, 120_000);
});
