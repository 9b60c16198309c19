// Against a slow reference: every list is what sorting and filtering the rows in plain code gives, before and after writes.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { LABEL_STATES } from '../../contract/domain/label.ts';
import { FEATURE_ORDERS, FEATURE_STATISTICS, type FeatureOrder, type FeatureQuery } from './featureQuery.ts';
import type { FeatureRow, FeatureWords, ListedFeature } from './features.ts';
import { DICTIONARY, OTHER_DICTIONARY, temporaryProject } from '../../testing/storage/temporaryProject.ts';

const COUNT = 24;
const ADA = { author: 'Ada' };
const WORDS = ['alpha', 'beta', 'gamma'];
const TAGS = ['a', 'ab', 'b c', '%'];

const figure = fc.option(fc.integer({ min: 0, max: 4 }), { nil: null });
const someRow = fc.record({
  firings: fc.integer({ min: 1, max: 9 }),
  rate: fc.integer({ min: 0, max: 4 }),
  mean: fc.integer({ min: 0, max: 4 }),
  max: fc.integer({ min: 0, max: 4 }),
  lastRate: figure,
  entropy: figure,
  topEffect: figure,
  nearest: figure,
  impact: fc.integer({ min: 0, max: 4 }),
});
const someLabel = fc.record({
  feature: fc.integer({ min: 0, max: COUNT - 1 }),
  text: fc.constantFrom(...WORDS, 'alphabet'),
  state: fc.constantFrom(...LABEL_STATES),
  tags: fc.subarray(TAGS),
  confidence: fc.option(fc.integer({ min: 1, max: 5 }), { nil: null }),
});
const someQuery = fc.record(
  {
    order: fc.constantFrom(...FEATURE_ORDERS),
    descending: fc.boolean(),
    ranges: fc.dictionary(
      fc.constantFrom(...FEATURE_STATISTICS),
      fc.record({ min: fc.integer({ min: -1, max: 5 }), max: fc.integer({ min: -1, max: 5 }) }, { requiredKeys: [] }),
      { maxKeys: 2 },
    ),
    states: fc.subarray([...LABEL_STATES], { minLength: 1 }),
    tag: fc.constantFrom(...TAGS, 'c'),
    list: fc.constant('some'),
    features: fc.array(fc.integer({ min: 0, max: COUNT + 3 }), { maxLength: COUNT }),
    search: fc.constantFrom('al', 'beta', 'lph', '7', 'context', 'zeta', ' '),
  },
  { requiredKeys: [] },
);

interface Known {
  readonly rows: readonly ListedFeature[];
  readonly members: ReadonlySet<number>;
}

function slowList({ rows, members }: Known, query: Omit<FeatureQuery, 'dictionary'>): readonly number[] {
  const { order = 'feature', descending = false, ranges = {}, states, tag, list, features } = query;
  const search = (query.search ?? '').trim();
  const found = (row: ListedFeature) =>
    `${row.label} ${row.tags.join(' ')} ${row.before}`.split(' ').some((word) => word.startsWith(search)) ||
    (search.length >= 3 && `${row.label}\n${row.tags.join('\n')}`.includes(search)) ||
    String(row.feature) === search;
  const isIn = (row: ListedFeature) =>
    FEATURE_STATISTICS.every((name) => {
      const { min, max } = ranges[name] ?? {};
      const value = row[name];
      if (min === undefined && max === undefined) return true;
      return value !== null && value >= (min ?? -Infinity) && value <= (max ?? Infinity);
    }) &&
    (states?.includes(row.state) ?? true) &&
    (tag === undefined || row.tags.includes(tag)) &&
    (list === undefined || members.has(row.feature)) &&
    (features?.includes(row.feature) ?? true) &&
    (search === '' || found(row));
  return rows
    .filter(isIn)
    .sort((a, b) => compare(a, b, order, descending))
    .map(({ feature }) => feature);
}

function compare(a: ListedFeature, b: ListedFeature, order: FeatureOrder, descending: boolean): number {
  const sign = descending ? -1 : 1;
  if (order === 'label') {
    const byLabel = a.label < b.label ? -1 : Number(a.label > b.label);
    return Number(a.label === '') - Number(b.label === '') || sign * byLabel || a.feature - b.feature;
  }
  if (order === 'labelled') {
    const rank = ({ state }: ListedFeature) => ['labelled', 'draft', 'uninterpretable', 'unlabelled'].indexOf(state);
    const certainty = (row: ListedFeature) => (row.state === 'unlabelled' ? 0 : (row.confidence ?? 0));
    const first = rank(a) - rank(b) || certainty(b) - certainty(a) || b.impact - a.impact || b.feature - a.feature;
    return sign * first;
  }
  // Undefined is less than any number.
  const [left, right] = [a[order] ?? -Infinity, b[order] ?? -Infinity];
  return sign * (left === right ? a.feature - b.feature : left - right);
}

describe('any list', () => {
  it('is what sorting and filtering in plain code gives, also after something was written', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(someRow, { minLength: COUNT, maxLength: COUNT }),
        fc.array(someLabel, { maxLength: 30 }),
        fc.array(someQuery, { minLength: 1, maxLength: 12 }),
        someLabel,
        async (statistics, labels, queries, later) => {
          const { project, remove } = await temporaryProject();
          try {
            const write = ({ feature, state, text, confidence, tags }: typeof later) => {
              const patch =
                state === 'unlabelled'
                  ? { state, text: '', confidence: null, tags }
                  : { state, text, confidence, tags };
              project.labels.set({ dictionary: DICTIONARY, feature }, patch, ADA);
            };
            for (const label of labels) write(label);
            // Numbers of rows and of names that are not those of the features.
            project.labels.set({ dictionary: OTHER_DICTIONARY, feature: 1 }, { text: 'alpha' }, ADA);
            await fill(project.features.replace.bind(project.features), OTHER_DICTIONARY, statistics.slice(0, 5));
            await fill(project.features.replace.bind(project.features), DICTIONARY, statistics);
            project.lists.save('some', '', ADA);
            const members = [1, 5, 6, 20].map((feature) => ({ dictionary: DICTIONARY, feature }));
            project.lists.add('some', members, ADA);
            const check = () => {
              const { rows } = project.features.list({ dictionary: DICTIONARY }, { limit: 1000 });
              const known = { rows, members: new Set(members.map(({ feature }) => feature)) };
              for (const query of queries) {
                const expected = slowList(known, query);
                expect(project.features.features({ dictionary: DICTIONARY, ...query })).toEqual(expected);
                const page = project.features.list({ dictionary: DICTIONARY, ...query }, { offset: 3, limit: 4 });
                expect([page.total, page.rows.map(({ feature }) => feature)]).toEqual([
                  expected.length,
                  expected.slice(3, 7),
                ]);
              }
            };
            check();
            write(later);
            check();
          } finally {
            project.close();
            remove();
          }
        },
      ),
      { numRuns: 40 },
    );
  }, 120_000);
});

type Replace = (
  set: { dictionary: string; folder: string; manifest: unknown },
  rows: readonly FeatureRow[],
  topTokens: readonly string[],
  texts: AsyncIterable<FeatureWords>,
) => Promise<unknown>;

async function fill(replace: Replace, dictionary: string, statistics: readonly Omit<FeatureRow, 'feature'>[]) {
  const rows = statistics.map((row, feature) => ({ ...row, feature }));
  async function* texts(): AsyncGenerator<FeatureWords> {
    for (const { feature } of rows.filter((row) => row.feature % 3 === 0)) {
      yield { feature, text: 'in context', before: 'in context', peak: '', after: '' };
    }
  }
  await replace({ dictionary, folder: 'some', manifest: {} }, rows, [], texts());
}
