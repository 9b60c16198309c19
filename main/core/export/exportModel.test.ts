import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { chmod, cp, mkdir, open, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import type { Scope } from '../../contract/domain/operations/target.ts';
import { openModel } from '../models/model.ts';
import { runtime } from '../../testing/models/runVariant.ts';
import { openTinyModel, temporaryFolder } from '../../testing/models/temporaryFolder.ts';
import type { Runtime } from '../onnx/runtime.ts';
import { exportModel, type ExportOptions } from './exportModel.ts';
import { exportBench } from '../../testing/export/exportBench.ts';
import { verifyArtifact } from './verifyArtifact.ts';

const stories = fileURLToPath(new URL('../../../../shared/fixtures/models/stories260K', import.meta.url));
const storiesText = fileURLToPath(
  new URL('../../../../shared/fixtures/corpora/tinystories/tiny_stories.txt', import.meta.url),
);
const hasStories = existsSync(stories) && existsSync(storiesText);
if (!hasStories) console.log('skipped: the export of stories260K, because ../shared/fixtures is not there');

const gpt2 = await exportBench(await openTinyModel('gpt2'));
const forms = ['embedded', 'referenced'] as const;

async function exportTo(folder: string, more: Partial<ExportOptions> = {}) {
  return exportModel({ ...gpt2, runtime, form: 'embedded', folder, ...more });
}

async function flipByte(path: string, position: number): Promise<void> {
  const file = await open(path, 'r+');
  const byte = new Uint8Array(1);
  await file.read(byte, 0, 1, position);
  await file.write(Uint8Array.of((byte[0] ?? 0) ^ 0x10), 0, 1, position);
  await file.close();
}

describe.each(forms)('an export with its weights %s', (form) => {
  it.each(['gpt2', 'llama', 'gemma2'] as const)('of a tiny %s does what the workbench shows', async (name) => {
    const bench = name === 'gpt2' ? gpt2 : await exportBench(await openTinyModel(name, { dtype: 'BF16' }));
    const folder = join(await temporaryFolder(), 'artifact');
    const result = await exportModel({ ...bench, runtime, form, folder });
    // The same graph over the same weights: nothing differs.
    expect(result.maxAbsLogitDiff).toBe(0);
    expect(result.kl).toBe(0);
    expect(result.greedyAgreement).toBe(1);
    expect(result.equivalence.greedy).toMatchObject({ prompts: 8, newTokens: 16, divergences: 0 });
    expect(result.effect.logits.maxAbsLogitDiff).toBeGreaterThan(0.01);
    expect(result.warnings).toEqual([]);
    expect(result.manifest.exactness.map(({ badge }) => badge)).toEqual(new Array(5).fill('exact'));
    const names = (await readdir(folder)).sort();
    expect(names).toEqual(
      [...result.manifest.files.map(({ path }) => path), 'manifest.json'].sort((a, b) => (a < b ? -1 : 1)),
    );
    expect(names.includes('original-weights-1.safetensors')).toBe(form === 'referenced');

    // Its own weights, wherever the folder goes. A referenced artifact no longer needs the model either.
    const moved = join(await temporaryFolder(), 'moved');
    await cp(folder, moved, { recursive: true });
    const verified = await verifyArtifact({ runtime, folder: moved });
    expect(verified).toMatchObject({ maxAbsLogitDiff: 0, kl: 0, greedyAgreement: 1, unlisted: [] });
  });

  it.each([
    { positions: 'promptOnly' },
    { positions: 'generatedOnly' },
    { positions: 'fromFirstFiring', feature: 7 },
  ] as const)('can tell positions apart: %j', async (scope: Scope) => {
    const more = [{ scope }, { scope }, {}, { scope }];
    const bench = await exportBench(gpt2.model, { more });
    const folder = join(await temporaryFolder(), 'artifact');
    const result = await exportModel({ ...bench, runtime, form, folder });
    expect(result).toMatchObject({ maxAbsLogitDiff: 0, greedyAgreement: 1 });
    expect(result.manifest.inputs.promptLength).toBe(scope.positions !== 'fromFirstFiring');
    expect(result.manifest.inputs.states.length).toBe(scope.positions === 'fromFirstFiring' ? 2 : 0);
    expect(await verifyArtifact({ runtime, folder })).toMatchObject({ maxAbsLogitDiff: 0, greedyAgreement: 1 });
  });

  it('is found out when any byte of any file changes, and the file is named', async () => {
    const folder = join(await temporaryFolder(), 'artifact');
    const { manifest } = await exportTo(folder, { form });
    for (const path of [...manifest.files.map((file) => file.path), 'manifest.json']) {
      const copy = join(await temporaryFolder(), 'copy');
      await cp(folder, copy, { recursive: true });
      const { size } = await stat(join(copy, path));
      await flipByte(join(copy, path), Math.floor(size * 0.6));
      const error = await verifyArtifact({ runtime, folder: copy }).catch((thrown: unknown) => thrown);
      expect(String(error), path).toContain(join(copy, path));
      if (path !== 'manifest.json')
        expect(error).toMatchObject({ code: 'verification-failed', details: { file: path } });

      await cp(join(folder, path), join(copy, path));
      await verifyArtifact({ runtime, folder: copy });
      await rm(join(copy, path));
      await expect(verifyArtifact({ runtime, folder: copy })).rejects.toThrow(join(copy, path));
    }
    await writeFile(join(folder, 'notes.txt'), 'mine');
    expect((await verifyArtifact({ runtime, folder })).unlisted).toEqual(['notes.txt']);
  });
});

describe('an export with thresholds in place of the competition of topk features', () => {
  const [, topk] = [...gpt2.dictionaries.values()];
  const [, hash = ''] = [...gpt2.dictionaries.keys()];
  const rates = { tokens: 1000, firingRate: 0.04, onlyThreshold: 0.002, onlyCompetition: 0.001 };
  const thresholds = new Map([[hash, [{ feature: 5, threshold: 0.5, ...rates }]]]);

  it('has the rows that it reads only, does what the workbench does with them, and says how often they differ', async () => {
    const [exactFolder, folder] = [join(await temporaryFolder(), 'exact'), join(await temporaryFolder(), 'artifact')];
    const exact = await exportTo(exactFolder);
    const result = await exportTo(folder, { thresholds });
    expect(result).toMatchObject({ maxAbsLogitDiff: 0, greedyAgreement: 1 });
    expect(result.manifest.exactness.map(({ badge }) => badge)).toEqual([
      'exact',
      'exact',
      'exact',
      'calibrated', // floors feature 5
      'exact', // projects, and so reads no feature
    ]);
    expect(result.manifest.exactness[3]?.reason).toBe(
      'Feature 5 fires above 0.5 instead of in competition: they differ on 0.3% of 1000 held-out tokens, of which it fires on 4.0%.',
    );
    expect(result.warnings).toEqual([expect.stringMatching(/^Thresholds .* on 100 positions .* mean KL \S+ nats/u)]);
    expect(result.manifest.edit).toEqual(exact.manifest.edit);
    expect(result.manifest.dictionaries).toEqual(exact.manifest.dictionaries);
    const sizeOf = ({ manifest }: typeof exact) => manifest.files.find(({ path }) => path === 'model.onnx')?.bytes ?? 0;
    // Of the topk dictionary two rows are left (that is the least), each with the decoder's, bias and threshold.
    const { size = 0, d = 0 } = topk ?? {};
    expect(sizeOf(exact) - sizeOf(result)).toBeGreaterThan(0.9 * 4 * (size - 2) * d);
    expect(await verifyArtifact({ runtime, folder })).toMatchObject({ maxAbsLogitDiff: 0, greedyAgreement: 1 });
  });
});

describe('an export', () => {
  it('too large for one file keeps its weights in a data file that both graphs share', async () => {
    const folder = join(await temporaryFolder(), 'artifact');
    const result = await exportTo(folder, { largestFile: 10_000 });
    expect(result.maxAbsLogitDiff).toBe(0);
    const { size } = await stat(join(folder, 'model.onnx_data'));
    const own = gpt2.model.weightFiles[0] ?? '';
    expect(size).toBeGreaterThan((await stat(own)).size * 0.9);
    expect(await verifyArtifact({ runtime, folder })).toMatchObject({ maxAbsLogitDiff: 0 });
  });

  it('links the weights, of read-only files as well, and copies them where it cannot', async () => {
    const model = await openTinyModel('llama');
    const bench = await exportBench(model);
    const [weights = ''] = model.weightFiles;
    await chmod(weights, 0o444);
    const folder = join(await temporaryFolder(), 'artifact');
    const { manifest } = await exportModel({ ...bench, runtime, form: 'referenced', folder });
    expect(manifest.files.find(({ path }) => path === 'original-weights-1.safetensors')).toMatchObject({
      storage: 'link',
    });
    expect((await stat(join(folder, 'original-weights-1.safetensors'))).ino).toBe((await stat(weights)).ino);

    const elsewhere = '/dev/shm';
    const isOther = existsSync(elsewhere) && (await stat(elsewhere)).dev !== (await stat(weights)).dev;
    if (!isOther) return;
    const other = join(elsewhere, `errata-export-${process.pid}`);
    await mkdir(other);
    try {
      const copied = await exportModel({ ...bench, runtime, form: 'referenced', folder: join(other, 'artifact') });
      expect(copied.manifest.files.find(({ path }) => path === 'original-weights-1.safetensors')).toMatchObject({
        storage: 'copy',
      });
    } finally {
      await rm(other, { recursive: true });
    }
  });

  it('says so when the edit does nothing on the held-out text, or is empty', async () => {
    const closed = gpt2.edit.operations.map((operation) => ({ ...operation, gates: [{ feature: 1, threshold: 1e6 }] }));
    const silent = await exportTo(join(await temporaryFolder(), 'a'), { edit: { operations: closed } });
    expect(silent.effect.logits.maxAbsLogitDiff).toBe(0);
    expect(silent.warnings).toEqual([expect.stringMatching(/changed nothing on the 100 positions/)]);
    const empty = await exportTo(join(await temporaryFolder(), 'b'), { edit: { operations: [] } });
    expect(empty.warnings).toEqual([expect.stringMatching(/original model/)]);
    expect(empty.maxAbsLogitDiff).toBe(0);
  });

  it('that differs from the workbench is refused, and nothing is left', async () => {
    const parent = await temporaryFolder();
    // A disk that lies: one bit of the written weights is another when the artifact is loaded.
    const lying = (victim: string): Runtime => ({
      device: runtime.device,
      createSession: async (model, options) => {
        if (typeof model === 'string' && model.endsWith(victim)) await flipByte(model, (await stat(model)).size - 2);
        return runtime.createSession(model, options);
      },
    });
    for (const victim of ['model.onnx', 'model_with_past.onnx']) {
      const failing = exportTo(join(parent, 'artifact'), { runtime: lying(victim) });
      await expect(failing).rejects.toMatchObject({ code: 'verification-failed' });
      expect(await readdir(parent)).toEqual([]);
    }
  });

  it.each(forms)(
    'of a checkpoint whose folder has vanished since it was opened names the file, and leaves nothing: %s',
    async (form) => {
      const parent = await temporaryFolder();
      const bench = await exportBench(await openTinyModel('gpt2'));
      await rm(bench.model.weightsFolder, { recursive: true });
      const failing = exportModel({ ...bench, runtime, form, folder: join(parent, 'artifact') });
      await expect(failing).rejects.toMatchObject({
        code: 'not-found',
        message: expect.stringContaining('model.safetensors') as string,
      });
      expect(await readdir(parent)).toEqual([]);
    },
  );

  it('does not begin where it cannot end', async () => {
    const parent = await temporaryFolder();
    const folder = join(parent, 'artifact');
    const [operation] = gpt2.edit.operations;
    const [hash, dictionary] = [...gpt2.dictionaries][0] ?? [];
    if (!operation || !hash || !dictionary) throw new Error('no operation');
    const withDictionary = (change: object) => new Map([...gpt2.dictionaries, [hash, { ...dictionary, ...change }]]);
    const other = 'e'.repeat(64);
    await mkdir(join(parent, 'taken'));
    const cases: readonly (readonly [Partial<ExportOptions>, string])[] = [
      [{ folder: join(parent, 'taken') }, 'exists'],
      [{ folder: join(parent, 'no', 'where') }, 'not-found'],
      [{ dictionaries: new Map() }, 'not-found'],
      [{ dictionaries: withDictionary({ encoderBias: new Float32Array(dictionary.size) }) }, 'mismatch'],
      [{ edit: { operations: [{ ...operation, feature: 9999 }] } }, 'usage'],
      [{ edit: { operations: [{ ...operation, site: 'blocks.7.hook_resid_post' }] } }, 'unknown-site'],
      [{ edit: { operations: [{ ...operation, site: 'blocks.0.mlp.hook_post' }] } }, 'mismatch'],
      [{ edit: { operations: [{ ...operation, dictionary: other }] } }, 'not-found'],
      [{ contexts: [] }, 'empty'],
      [{ contexts: [[1]] }, 'empty'],
      [{ contexts: [[1, 99_999]] }, 'usage'],
      [{ signal: AbortSignal.abort() }, 'cancelled'],
    ];
    for (const [more, code] of cases) {
      await expect(exportTo(folder, more), code).rejects.toMatchObject({ code });
      expect(await readdir(parent), code).toEqual(['taken']);
    }
    const stopping = new AbortController();
    const onWork: ExportOptions['onWork'] = ({ stage }) => {
      if (stage === 'Generating') stopping.abort();
    };
    await expect(exportTo(folder, { signal: stopping.signal, onWork })).rejects.toMatchObject({ code: 'cancelled' });
    expect(await readdir(parent)).toEqual(['taken']);
  });

  it.each([{ positions: 'notBos' }, { positions: 'generatedOnly' }] as const)(
    'has a README whose code for Node runs: %j',
    async (scope) => {
      const folder = join(await temporaryFolder(), 'artifact');
      await exportModel({
        ...(await exportBench(gpt2.model, { more: [{ scope }] })),
        runtime,
        form: 'embedded',
        folder,
      });
      const readme = await readFile(join(folder, 'README.md'), 'utf8');
      const code = /```js\n(.*?)```/su.exec(readme)?.[1] ?? '';
      expect(code.includes('prompt_length')).toBe(scope.positions === 'generatedOnly');
      const here = code.replace("'model.onnx'", JSON.stringify(join(folder, 'model.onnx')));
      expect(here).not.toBe(code);
      const { output } = await runNode(['--input-type=module', '-e', here]);
      expect(output.trim()).toBe('[ 1, 3, 29 ]');
    },
  );
});

async function runNode(arguments_: readonly string[]): Promise<{ output: string; signal: unknown }> {
  const root = fileURLToPath(new URL('../../../', import.meta.url));
  const child = spawn(process.execPath, arguments_, { cwd: root, stdio: ['ignore', 'pipe', 'inherit'] });
  return finished(child);
}

async function finished(child: ReturnType<typeof spawn>): Promise<{ output: string; signal: unknown }> {
  let output = '';
  child.stdout?.setEncoding('utf8').on('data', (text: string) => (output += text));
  const [, signal] = (await once(child, 'close')) as [number | null, NodeJS.Signals | null];
  return { output, signal };
}

describe('a process that exports', () => {
  const script = fileURLToPath(new URL('../../testing/export/exportProcess.ts', import.meta.url));
  const folder = gpt2.model.folder;

  it.each(['Writing the weights', 'Comparing with the workbench', 'Generating', 'Hashing the files'])(
    'killed while %s leaves nothing that passes for an artifact; the next export cleans up',
    async (stage) => {
      const parent = await temporaryFolder();
      const target = join(parent, 'artifact');
      expect((await runNode([script, folder, target, stage])).signal).toBe('SIGKILL');
      const left = await readdir(parent);
      expect(left).toEqual([expect.stringMatching(/^\.artifact\.partial-/)]);
      const half = join(parent, left[0] ?? '');
      expect((await readdir(half)).length).toBeGreaterThan(0);
      await expect(verifyArtifact({ runtime, folder: half })).rejects.toMatchObject({ code: 'not-found' });

      await exportTo(target);
      expect(await readdir(parent)).toEqual(['artifact']);
      await verifyArtifact({ runtime, folder: target });
    },
  );

  it('on a full disk says so and leaves nothing', async () => {
    const parent = await temporaryFolder();
    // As in the tests of atomic writes: at most 16 blocks of 512 or 1024 bytes, less than the weights.
    const child = spawn(
      'sh',
      ['-c', 'ulimit -f 16; exec "$0" "$@"', process.execPath, script, folder, join(parent, 'a')],
      {
        stdio: ['ignore', 'pipe', 'inherit'],
      },
    );
    const { output } = await finished(child);
    expect(JSON.parse(output)).toMatchObject({ code: 'disk-full', message: expect.stringContaining(parent) as string });
    expect(await readdir(parent)).toEqual([]);
  });
});

describe.skipIf(!hasStories)('an export of stories260K', () => {
  it.each(forms)('%s, on stories it has not seen: 8 prompts × 64 tokens', async (form) => {
    const model = await openModel(stories);
    const bench = await exportBench(model);
    const tokenizer = await model.tokenizer();
    const text = (await readFile(storiesText, 'utf8')).slice(-20_000);
    const ids = tokenizer.encode(text);
    const contexts = Array.from({ length: 12 }, (_, i) => [1, ...ids.slice(i * 127, (i + 1) * 127)]);
    const parent = await temporaryFolder();
    // Links need the same file system as the weights: a copy of the model stands for the user's own.
    await cp(stories, join(parent, 'model'), { recursive: true });
    const own = await openModel(join(parent, 'model'));
    const folder = join(parent, 'artifact');
    const result = await exportModel({ ...bench, model: own, runtime, form, folder, contexts });
    expect(result.equivalence.greedy).toMatchObject({ prompts: 8, newTokens: 64, agreement: 1 });
    expect(result.equivalence.logits.positions).toBe(12 * 128 + 8);
    expect(result.maxAbsLogitDiff).toBe(0);
    expect(result.effect.greedyAgreement).toBeLessThan(0.5);
    expect(result.manifest.files.map(({ path }) => path)).toContain('tokenizer.json');
    expect(await verifyArtifact({ runtime, folder })).toMatchObject({ maxAbsLogitDiff: 0, greedyAgreement: 1 });
  });
});
