// Over which text the statistics of a dictionary are counted where nobody says: the rule of window and command line, on the
// dictionary of the sample, whose activations are not there.
import { mkdir, readFile, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openCorpus } from '../core/activations/corpus.ts';
import { startHost, type StartedHost } from '../testing/hosts/startHost.ts';

const dictionary = 'shipped';
const site = 'blocks.1.hook_resid_post';
let started: StartedHost;
let project: string;

beforeAll(async () => {
  started = await startHost();
  project = (await started.api.project.openSample()).folder;
}, 60_000);
afterAll(() => started.stop());

async function captured(name: string, maxContexts: number, at = site) {
  const { api, until } = started;
  const corpus = { from: 'project', name: 'corpus.jsonl' } as const;
  const job = await api.activations.capture({
    model: 'sample',
    corpus,
    sites: [at],
    name,
    contextLength: 64,
    maxContexts,
  });
  await until(job.id, 'succeeded');
}

/** The plan of the statistics that are listed after a job without a text of its own. */
async function planOfDefault(maxContexts?: number): Promise<unknown> {
  const { api, until, host } = started;
  const job = await api.feature.computeStatistics({
    dictionary,
    ...(maxContexts === undefined ? {} : { maxContexts }),
  });
  await until(job.id, 'succeeded');
  const { hash } = (await api.feature.statistics({ dictionary }))!;
  const folder = host.context.session().workbench.project.features.folder(hash)!;
  return (JSON.parse(await readFile(join(project, folder, 'manifest.json'), 'utf8')) as { plan: unknown }).plan;
}

const names = async () => (await started.api.feature.statisticsTexts({ dictionary })).texts.map(({ name }) => name);

describe('the text of the statistics', () => {
  it('is the largest training text where there are no activations, and text kept apart comes last', async () => {
    expect(await names()).toEqual(['corpus.jsonl', 'choose.jsonl', 'heldout-general.jsonl', 'heldout.jsonl']);
    expect(await started.api.feature.statisticsTexts({ dictionary })).toMatchObject({ hasPreferred: true });
    const corpus = await openCorpus(join(project, 'corpora/corpus.jsonl'));
    const text = { from: 'corpus', corpus: await corpus.hash() };
    expect(await planOfDefault(20)).toMatchObject({ text, maxContexts: 20, contextLength: 128 });
  }, 60_000);

  it('is the largest store of the same model and site, whatever its name, before any corpus', async () => {
    await captured('small', 10);
    await captured('mine', 30);
    await captured('other-site', 40, 'blocks.2.hook_resid_post');
    expect((await names()).slice(0, 3)).toEqual(['mine', 'small', 'corpus.jsonl']);
    expect(await planOfDefault()).toMatchObject({ text: { from: 'store' }, contextLength: 64, maxContexts: null });
    expect(await started.api.feature.statistics({ dictionary })).toMatchObject({ contexts: 30, text: 'store' });
  }, 60_000);

  it('is the store that the dictionary was trained on where that is there, though another is larger', async () => {
    await rename(join(project, 'activations/small'), join(project, 'activations', site));
    const { texts } = await started.api.feature.statisticsTexts({ dictionary });
    expect(texts.slice(0, 2)).toMatchObject([
      { name: site, isTrainedOn: true },
      { name: 'mine', isTrainedOn: false },
    ]);
    await planOfDefault();
    expect(await started.api.feature.statistics({ dictionary })).toMatchObject({ contexts: 10, text: 'store' });
  }, 60_000);

  it('is never activations of another site that took the name of the training’s', async () => {
    await rm(join(project, 'activations', site), { recursive: true });
    await rename(join(project, 'activations/other-site'), join(project, 'activations', site));
    expect((await names())[0]).toBe('mine');
    expect(await names()).not.toContain(site);
  });

  it('is asked for, with the reason and an example, where there is only text that is kept apart', async () => {
    const { api } = started;
    await rm(join(project, 'activations'), { recursive: true });
    await mkdir(join(project, 'activations'));
    await rm(join(project, 'corpora/corpus.jsonl'));
    expect(await api.feature.statisticsTexts({ dictionary })).toMatchObject({ hasPreferred: false });
    await expect(api.feature.computeStatistics({ dictionary })).rejects.toMatchObject({
      code: 'not-found',
      message: expect.stringMatching(
        /^There is no text for the statistics of shipped: .*sample at blocks\.1\.hook_resid_post, .* errata feature stats shipped --corpus texts\.jsonl$/u,
      ) as string,
    });
    const over = { from: 'corpus', corpus: { from: 'project', name: 'choose.jsonl' } } as const;
    const job = await api.feature.computeStatistics({ dictionary, over, maxContexts: 5 });
    expect(await started.until(job.id, 'succeeded')).toMatchObject({ subject: dictionary });
  }, 60_000);

  it('is not replaced by other activations where the part held out from training is wanted: the error says what to do', async () => {
    const { api, until } = started;
    const job = await api.dictionary.evaluate({ name: dictionary });
    expect((await until(job.id, 'failed')).error).toMatchObject({
      code: 'not-found',
      message: expect.stringContaining(`errata dictionary evaluate ${dictionary} --activations STORE`) as string,
    });
  });
});
