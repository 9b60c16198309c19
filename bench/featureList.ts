// The list of features of the largest common dictionary, every feature of it labelled: the time from a query to a page of
// rows and the length of the list, over the orders, filters and searches that browsing is made of, at the start, in the
// middle and at the end. The promise is a median under 50 ms and a 95th percentile under 100 ms, painting included.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { Random } from '../main/core/numerics/random.ts';
import { FEATURE_ORDERS, type FeatureQuery } from '../main/storage/entities/featureQuery.ts';
import { createProject } from '../main/storage/project/create.ts';
import { generatedFeatures } from './data/generatedFeatures.ts';

const DICTIONARY = 'a'.repeat(64);
const PAGE = 100;
const AUTHOR = { author: 'bench' };

export async function run(options: { readonly args?: readonly string[] } = {}): Promise<Record<string, unknown>> {
  const { values } = parseArgs({
    args: [...(options.args ?? [])],
    options: { features: { type: 'string', default: '65536' }, rounds: { type: 'string', default: '3' } },
  });
  const size = Math.max(1000, Number.parseInt(values.features, 10) || 65_536);
  const rounds = Math.max(1, Number.parseInt(values.rounds, 10) || 3);
  const random = new Random(1);
  const folder = mkdtempSync(join(tmpdir(), 'errata-bench-'));
  try {
    const project = await createProject(join(folder, 'project'));
    const startedAt = performance.now();
    const generated = generatedFeatures(size, random);
    const { rows, topTokens } = generated;
    const set = { dictionary: DICTIONARY, folder: 'dictionaries/bench/statistics', manifest: {} };
    await project.features.replace(set, rows, topTokens, generated.texts());
    const importSeconds = (performance.now() - startedAt) / 1000;
    const labelsAt = performance.now();
    const staged = await project.importLabels(generated.labels(DICTIONARY));
    staged.apply('keep', AUTHOR);
    staged.close();
    const labelSeconds = (performance.now() - labelsAt) / 1000;
    project.lists.save('some', '', AUTHOR);
    const members = Array.from({ length: 500 }, () => ({ dictionary: DICTIONARY, feature: random.below(size) }));
    project.lists.add('some', members, AUTHOR);
    for (let feature = 0; feature < 200; feature++) {
      project.labels.set({ dictionary: DICTIONARY, feature }, { state: 'uninterpretable', text: '' }, AUTHOR);
    }
    const tag = project.features.list({ dictionary: DICTIONARY }).rows[700 % PAGE]?.tags[0] ?? '';

    const queries: Readonly<Record<string, Omit<FeatureQuery, 'dictionary'>>> = {
      ...Object.fromEntries(FEATURE_ORDERS.map((order) => [`by ${order}`, { order, descending: order !== 'label' }])),
      'label falling': { order: 'label', descending: true },
      'range of rates by max': { order: 'max', descending: true, ranges: { rate: { min: 1e-4, max: 1e-2 } } },
      'never fires': { ranges: { rate: { max: 0 } } },
      'two ranges by impact': {
        order: 'impact',
        descending: true,
        ranges: { nearest: { min: 0.9 }, entropy: { max: 3 } },
      },
      'labelled by rate': { order: 'rate', descending: true, states: ['labelled'] },
      'uninterpretable by rate': { order: 'rate', states: ['uninterpretable'] },
      'a tag by max': { order: 'max', descending: true, tag },
      'a list by rate': { order: 'rate', list: 'some' },
      'a selection of 5 000 by rate': { order: 'rate', features: Array.from({ length: 5000 }, (_, i) => 13 * i) },
      ...Object.fromEntries(
        ['k', 'ka', 'kal', 'kalo', 'mi lo', 'renvel', 'brashagu pin', 'ox', 'zzzz', '12345', 'clewex tas by'].map(
          (search) => [`search ${JSON.stringify(search)}`, { search, order: 'rate' as const, descending: true }],
        ),
      ),
    };
    const times: { query: string; ms: number; isFirst: boolean }[] = [];
    const totals: Record<string, number> = {};
    for (let round = 0; round < rounds; round++) {
      // Whatever is remembered of the lists is no longer true.
      project.labels.set({ dictionary: DICTIONARY, feature: 300 + round }, { text: 'written meanwhile' }, AUTHOR);
      for (const [query, of] of Object.entries(queries)) {
        for (const place of [0, 0.5, 1]) {
          const offset = Math.max(0, Math.round((totals[query] ?? 0) * place) - (place === 1 ? PAGE : 0));
          const at = performance.now();
          const { total } = project.features.list({ dictionary: DICTIONARY, ...of }, { offset, limit: PAGE });
          times.push({ query, ms: performance.now() - at, isFirst: place === 0 });
          totals[query] = total;
        }
      }
    }
    const labelAt = performance.now();
    project.labels.setMany(members.slice(0, 500), { tags: ['bulk'] }, AUTHOR);
    const bulkMs = performance.now() - labelAt;
    project.close();
    const quantile = (q: number, of = times) => {
      const sorted = of.map(({ ms }) => ms).sort((a, b) => a - b);
      return sorted[Math.min(sorted.length - 1, Math.floor(q * sorted.length))] ?? Number.NaN;
    };
    const firsts = times.filter(({ isFirst }) => isFirst);
    const slowest = times.reduce((a, b) => (b.ms > a.ms ? b : a));
    const medianOf = (query: string) => {
      const own = firsts
        .filter((time) => time.query === query)
        .map(({ ms }) => ms)
        .sort((a, b) => a - b);
      return Number((own[own.length >> 1] ?? Number.NaN).toFixed(2));
    };
    return {
      features: size,
      queries: times.length,
      medianMs: quantile(0.5),
      p95Ms: quantile(0.95),
      /** The first page of a list that nothing is remembered of. */
      firstPageMedianMs: quantile(0.5, firsts),
      firstPageP95Ms: quantile(0.95, firsts),
      maxMs: slowest.ms,
      slowestQuery: slowest.query,
      medianMsByQuery: Object.fromEntries(Object.keys(queries).map((query) => [query, medianOf(query)])),
      totals,
      importSeconds,
      labelSeconds,
      bulkTag500Ms: bulkMs,
      isUnderPromise: quantile(0.5, firsts) < 50 && quantile(0.95, firsts) < 100,
    };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
