// The main job, as a person does it: a project, a model, activations, a dictionary, an edit, a verified export. On the sample
// model that is shipped, and on a reference model where that lies beside the repository.
import { existsSync } from 'node:fs';
import { cp, readdir, readFile, stat, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { failure, json, run, sampleModel, start, storiesModel, storiesText, temporaryFolder } from './errata.ts';

const sampleText = join(import.meta.dirname, '../../resources/sample/heldout.jsonl');

interface Subject {
  readonly title: string;
  readonly folder: string | null;
  readonly corpus: string | null;
  readonly site: string;
  readonly reference: string | null;
  readonly prompt: string;
}

const subjects: readonly Subject[] = [
  {
    title: 'the sample model',
    folder: sampleModel,
    corpus: existsSync(sampleText) ? sampleText : null,
    site: 'blocks.1.hook_resid_post',
    reference: null,
    prompt: 'Tell me',
  },
  {
    title: 'stories260K (../shared/fixtures)',
    folder: storiesModel,
    corpus: storiesText,
    site: 'blocks.3.hook_resid_post',
    reference: storiesModel && join(storiesModel, 'reference_logits.npz'),
    prompt: 'Once upon a time',
  },
];

describe.each(subjects)('the story of $title', ({ folder, corpus, site, reference, prompt }) => {
  const isThere = folder !== null && corpus !== null;
  let place: { path: string; remove: () => Promise<void> };
  let project: string;
  const errata = (...words: string[]) => json(words, { cwd: project });
  const capture = (...more: string[]) => [
    ...['capture', 'tale', '--corpus', corpus ?? '', '--site', site, '--name', 'acts'],
    ...['--context-length', '64', '--max-contexts', '600', ...more],
  ];
  const train = (name: string, ...more: string[]) => [
    ...['train', name, '--activations', 'acts', '--features', '256', '--k', '16'],
    ...['--batch-size', '512', '--steps', '300', ...more],
  ];

  beforeAll(async () => {
    place = await temporaryFolder();
    project = join(place.path, 'project');
  });
  afterAll(() => place.remove());

  it.skipIf(!isThere)('begins with a project and a model, whose weights stay where they are', async () => {
    expect(await json(['project', 'new', project])).toEqual({ folder: project });
    expect(await failure(['project', 'new', project])).toMatchObject({ exitCode: 1, code: 'exists' });
    const model = await errata('model', 'add', folder ?? '', '--name', 'tale');
    expect(model).toMatchObject({ name: 'tale', folder, hasTokenizer: true });
    expect(await errata('model', 'list')).toMatchObject({ models: [{ name: 'tale', hash: model['hash'] }] });
    expect(await failure(['model', 'add', folder ?? ''], { cwd: project })).toMatchObject({ code: 'exists' });
    const files = await readdir(join(project, 'models/tale'));
    const sizes = await Promise.all(files.map(async (file) => (await stat(join(project, 'models/tale', file))).size));
    expect(Math.max(...sizes)).toBeLessThan(10_000);
  });

  it.skipIf(!isThere || reference === null)('the model computes what the reference says', async () => {
    const check = await errata('model', 'check', 'tale', '--reference', reference ?? '');
    const { maxAbsLogitDiff, logitStd } = check as { maxAbsLogitDiff: number; logitStd: number };
    expect(maxAbsLogitDiff).toBeLessThanOrEqual(Math.max(1e-4, 2e-4 * logitStd)); // as the issue asks
  });

  it.skipIf(!isThere)('it generates: the same seed the same text, streamed for people as in JSON', async () => {
    const words = ['generate', 'tale', '--prompt', prompt, '-n', '12', '--ignore-stops', '-t', '1', '--seed', '5'];
    const { generations, text, tokens } = await errata(...words);
    expect(generations).toMatchObject([{ text, end: 'length' }]);
    expect(tokens).toBe(12);
    const streamed = await run(words, { cwd: project });
    expect(streamed.stdout).toBe(`${prompt}${String(text)}\n`);
    expect((await errata(...words.slice(0, -1), '6'))['text']).not.toBe(text);
  });

  it.skipIf(!isThere)('captures; killed in the middle and started again, to the same bytes', async () => {
    const whole = await errata(...capture('--shard-megabytes', '1'));
    expect(whole).toMatchObject({
      contexts: 600,
      tokens: 600 * 64,
      tokensRun: 600 * 64,
      stores: [{ name: 'acts', site }],
    });
    // The same again has nothing left to do.
    expect(await errata(...capture('--shard-megabytes', '1'))).toMatchObject({ tokens: 600 * 64, tokensRun: 0 });

    const words = capture('--shard-megabytes', '1').map((word) => (word === 'acts' ? 'killed' : word));
    const store = join(project, 'activations/killed');
    const running = start(words, { cwd: project });
    await until(() => existsSync(join(store, 'activations-00000.safetensors')));
    running.child.kill('SIGKILL');
    await running.outcome;
    const { tokensRun } = await errata('capture', '--resume');
    expect(tokensRun).toBeLessThanOrEqual(600 * 64);
    expect(await contentsOf(store)).toEqual(await contentsOf(join(project, 'activations/acts')));
  });

  it.skipIf(!isThere)('trains a dictionary, which is listed, evaluated and fires', async () => {
    const result = await errata(...train('first'));
    for (const field of ['fvu', 'l0', 'deadFraction', 'lossRecovered', 'ceOriginal', 'ceReconstructed', 'ceZero']) {
      expect(result[field], field).toBeTypeOf('number');
    }
    expect(result['fvu']).toBeLessThan(0.9); // 300 steps: better than the mean, or it learned nothing
    expect(result['l0']).toBeCloseTo(16, 0); // the threshold is calibrated to k
    expect(result['tokensPerSecond']).toBeGreaterThan(0);
    const { dictionaries } = await errata('dictionary', 'list');
    expect(dictionaries).toMatchObject([{ name: 'first', state: 'finished', site, quality: { fvu: result['fvu'] } }]);
    const again = await errata('dictionary', 'evaluate', 'first');
    expect(again).toMatchObject({
      fvu: result['fvu'],
      l0: result['l0'],
      tokens: result['tokens'],
      hash: result['hash'],
    });
    expect(again['lossRecovered']).toBeCloseTo(Number(result['lossRecovered']), 10);
    const { features, firing } = await errata('feature', 'top', 'first', '--text', prompt, '--count', '3');
    expect(features).toHaveLength(3);
    expect(firing).toBeGreaterThanOrEqual(3);
  });

  it.skipIf(!isThere)(
    'tells of its features: statistics, lists, pages, texts tried on them, ideas for labels',
    async () => {
      // The evaluation told how often each fires; what only statistics tell is not there before them.
      const early = await errata('feature', 'list', 'first', '--order', 'rate', '--descending', '-n', '2');
      expect(early).toMatchObject({
        total: 256,
        rows: [
          { mean: null, max: null },
          { mean: null, max: null },
        ],
      });
      const missing = await failure(['feature', 'show', 'first', '0'], { cwd: project });
      expect(missing).toMatchObject({ code: 'not-found', message: expect.stringContaining('feature stats') as string });
      const statistics = await errata('feature', 'stats', 'first');
      expect(statistics).toMatchObject({ size: 256, contexts: 600, contextLength: 64 });
      const again = await errata('feature', 'stats', 'first');
      expect(again).toMatchObject({ firing: statistics['firing'], tokens: statistics['tokens'] });
      const { total, rows } = await errata('feature', 'list', 'first', '--order', 'impact', '--descending', '-n', '3');
      expect(total).toBe(256);
      const [row] = rows as { feature: number; max: number; peak: string }[];
      const shown = await errata('feature', 'show', 'first', String(row?.feature));
      const { page } = shown as { page: { max: number; top: { tokens: string[]; peak: number }[] } };
      expect(page.max).toBe(row?.max);
      expect(page.top[0]?.tokens[page.top[0].peak]).toBe(row?.peak);
      const tried = await errata('feature', 'try', 'first', '--text', prompt, '--features', String(row?.feature));
      expect((tried['activations'] as { values: number[] }[])[0]?.values).toHaveLength((tried['tokens'] as []).length);
      expect(await errata('feature', 'suggest', 'first', String(row?.feature))).toMatchObject({ source: 'heuristic' });
      expect(await failure(['feature', 'show', 'first', '256'], { cwd: project })).toMatchObject({ code: 'usage' });
    },
  );

  it.skipIf(!isThere)('training that was killed, and then cancelled, ends as if nothing had happened', async () => {
    const words = train('killed', '--steps', '1500');
    const folder = join(project, 'dictionaries/killed');
    const running = start(words, { cwd: project });
    await running.seen(/Training · step/);
    running.child.kill('SIGKILL');
    await running.outcome;
    expect(await errata('dictionary', 'list')).toMatchObject({
      dictionaries: [{}, { name: 'killed', state: 'unfinished' }],
    });
    expect(await failure(['feature', 'top', 'killed', '--text', prompt], { cwd: project })).toMatchObject({
      code: 'conflict',
    });
    expect(await failure(words, { cwd: project })).toMatchObject({ code: 'exists' });

    const second = start(['train', 'killed', '--resume', '--json'], { cwd: project });
    await second.seen(/Training · step/);
    second.child.kill('SIGINT');
    const { code, stdout, stderr } = await second.outcome;
    expect([code, JSON.parse(stdout)]).toMatchObject([1, { error: { code: 'cancelled' } }]);
    expect(stderr).toContain('Ctrl-C again stops at once');
    expect(existsSync(join(folder, 'checkpoint.safetensors'))).toBe(true); // what was done is kept

    const resumed = await errata('train', 'killed', '--resume');
    const straight = await errata(...train('straight', '--steps', '1500'));
    expect(resumed['hash']).toBe(straight['hash']);
    expect(resumed['fvu']).toBe(straight['fvu']);
  });

  it.skipIf(!isThere)(
    'exports an edit, verified; killed in the middle nothing remains but what is cleaned up',
    async () => {
      const { features } = await errata('feature', 'top', 'first', '--text', prompt);
      const { feature } = (features as { feature: number }[])[0] ?? { feature: 0 };
      const words = ['export', 'quiet', '--dictionary', 'first', '--op', `clamp:${feature}:3`];
      const exports = join(project, 'exports');
      const running = start(words, { cwd: project });
      await until(() => existsSync(exports) && partials(exports).then((names) => names.length > 0));
      running.child.kill('SIGKILL');
      await running.outcome;
      expect(existsSync(join(exports, 'quiet'))).toBe(false);
      // The engine notices between two runs that its host is gone. As long as it lives, its partial is not a leftover.
      const [partial = ''] = await partials(exports);
      await until(() => !isAlive(Number(/partial-(\d+)-/.exec(partial)?.[1] ?? 0)));

      const result = await errata(...words);
      const { maxAbsLogitDiff, kl, greedyAgreement, path, effect } = result as Record<string, number> & {
        effect: object;
      };
      expect(path).toBe(join(exports, 'quiet'));
      expect(maxAbsLogitDiff).toBeLessThan(1e-3);
      expect(kl).toBeLessThan(1e-6);
      expect(greedyAgreement).toBe(1);
      expect(effect).toMatchObject({ logits: { maxAbsLogitDiff: expect.any(Number) as number } });
      expect(await partials(exports)).toEqual([]);

      expect(await errata('verify', 'quiet')).toMatchObject({ path, greedyAgreement: 1 });
      const graph = join(exports, 'quiet/model.onnx');
      const bytes = await readFile(graph);
      bytes[bytes.length - 1000]! ^= 1;
      await writeFile(graph, bytes);
      expect(await failure(['verify', String(path)])).toMatchObject({ exitCode: 1, code: 'verification-failed' });
    },
  );

  it.skipIf(!isThere)('says clearly what is wrong, and leaves nothing behind', async () => {
    const wrong = async (...words: string[]) => failure(words, { cwd: project });
    const broken = join(place.path, 'broken');
    await cp(folder ?? '', broken, { recursive: true });
    await truncate(join(broken, 'model.safetensors'), 20_000);
    expect(await wrong('model', 'add', broken)).toMatchObject({
      exitCode: 1,
      code: 'invalid-file',
      message: expect.stringContaining(join(broken, 'model.safetensors')) as string,
    });
    expect(await readdir(join(project, 'models'))).toEqual(['tale']);
    expect(await wrong(...capture().map((word) => (word === site ? 'blocks.0.hook_resid_pst' : word)))).toMatchObject({
      code: 'unknown-site',
      message: expect.stringContaining('"blocks.0.hook_resid_post"') as string,
    });
    expect(await wrong('capture', 'tale', '--corpus', join(place.path, 'none.txt'), '--site', site)).toMatchObject({
      code: 'not-found',
    });
    const latin = join(place.path, 'latin.txt');
    await writeFile(latin, Buffer.from([0x47, 0x72, 0xfc, 0xdf, 0x65]));
    expect(await wrong('capture', 'tale', '--corpus', latin, '--site', site, '--name', 'bad')).toMatchObject({
      code: 'invalid-file',
      message: expect.stringContaining('offset 2') as string,
    });
    expect(existsSync(join(project, 'activations/bad'))).toBe(false);
    expect(await wrong(...train('x').map((word) => (word === 'acts' ? 'nothing' : word)))).toMatchObject({
      code: 'not-found',
      message: expect.stringContaining('"nothing"') as string,
    });
    expect(await wrong(...train('../x'))).toMatchObject({ exitCode: 2, code: 'usage' });
    expect(await wrong('train', 'first', '--resume', '--steps', '5')).toMatchObject({ exitCode: 2, code: 'usage' });
    expect(await wrong('export', 'x', '--dictionary', 'first', '--op', 'ablate:999999')).toMatchObject({
      code: 'usage',
    });
    expect(existsSync(join(project, 'exports/x'))).toBe(false);
  });
});

async function until(isSo: () => boolean | Promise<boolean>): Promise<void> {
  for (let i = 0; i < 6000; i++) {
    if (await isSo()) return;
    await delay(10);
  }
  throw new Error('It did not happen within a minute.');
}

async function partials(folder: string): Promise<string[]> {
  return (await readdir(folder)).filter((name) => name.includes('.partial-'));
}

function isAlive(pid: number): boolean {
  try {
    return pid > 0 && process.kill(pid, 0);
  } catch {
    return false;
  }
}

async function contentsOf(folder: string): Promise<Record<string, string>> {
  const names = (await readdir(folder)).sort();
  const entries = names.map(async (name) => [name, (await readFile(join(folder, name))).toString('base64')] as const);
  return Object.fromEntries(await Promise.all(entries));
}
