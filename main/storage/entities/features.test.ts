import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { FeatureQuery } from './featureQuery.ts';
import type { FeatureRow, FeatureWords } from './features.ts';
import { openProject } from '../project/open.ts';
import type { Project } from '../project/project.ts';
import { DICTIONARY, OTHER_DICTIONARY, temporaryProject } from '../../testing/storage/temporaryProject.ts';

let project: Project;
let folder: string;
let remove: () => void;
beforeEach(async () => {
  ({ project, folder, remove } = await temporaryProject());
});
afterEach(() => remove());

const ADA = { author: 'Ada' };
const f = (feature: number, dictionary = DICTIONARY) => ({ dictionary, feature });

/** Feature i fires on i tokens of 100; the first never. */
function row(feature: number): FeatureRow {
  return {
    feature,
    firings: feature,
    rate: feature / 100,
    mean: feature === 0 ? null : 10 - feature,
    max: feature % 4,
    lastRate: null,
    entropy: feature / 2,
    topEffect: -feature,
    nearest: 0.5,
    impact: feature * 2,
  };
}

async function* words(count: number, of: (feature: number) => string): AsyncGenerator<FeatureWords> {
  for (let feature = 1; feature < count; feature++) {
    yield { feature, text: of(feature), before: `before ${feature} `, peak: 'peak', after: ' after' };
  }
}

async function fill(count = 10, dictionary = DICTIONARY, of = (feature: number) => `word${feature} and others`) {
  const rows = Array.from({ length: count }, (_, feature) => row(feature));
  const tokens = rows.map(({ feature }) => ` token${feature}`);
  const set = { dictionary, folder: `dictionaries/${dictionary.slice(0, 4)}/s`, manifest: { tokens: 100 } };
  return project.features.replace(set, rows, tokens, words(count, of));
}

const list = (query: Omit<FeatureQuery, 'dictionary'> = {}) =>
  project.features.list({ dictionary: DICTIONARY, ...query }).rows.map(({ feature }) => feature);

describe('the list of features', () => {
  it('has what is known of each feature, and its label as it is now', async () => {
    project.labels.set(f(3), { text: 'before the statistics', tags: ['b', 'a'], confidence: 2 }, ADA);
    await fill();
    project.labels.set(f(4), { state: 'draft', text: '<b>later</b> \u200fעברית' }, ADA);
    const { total, rows } = project.features.list({ dictionary: DICTIONARY }, { offset: 3, limit: 2 });
    expect(total).toBe(10);
    expect(rows).toEqual([
      {
        ...row(3),
        ...{ state: 'labelled', label: 'before the statistics', tags: ['a', 'b'], confidence: 2 },
        ...{ before: 'before 3 ', peak: 'peak', after: ' after', topToken: ' token3' },
      },
      {
        ...row(4),
        ...{ state: 'draft', label: '<b>later</b> \u200fעברית', tags: [], confidence: null },
        ...{ before: 'before 4 ', peak: 'peak', after: ' after', topToken: ' token4' },
      },
    ]);
    project.labels.remove(f(3), ADA);
    expect(project.features.list({ dictionary: DICTIONARY }, { offset: 3, limit: 1 }).rows[0]).toMatchObject({
      ...{ state: 'unlabelled', label: '', tags: [], confidence: null },
    });
    project.undo('Ada');
    expect(list({ states: ['labelled'] })).toEqual([3]);
    expect(project.features.states(DICTIONARY)).toEqual({ unlabelled: 8, draft: 1, labelled: 1, uninterpretable: 0 });
  });

  it('sorts by any statistic, either way, ties by number', async () => {
    await fill();
    expect(list({ order: 'rate', descending: true })).toEqual([9, 8, 7, 6, 5, 4, 3, 2, 1, 0]);
    expect(list({ order: 'topEffect' })).toEqual([9, 8, 7, 6, 5, 4, 3, 2, 1, 0]);
    expect(list({ order: 'max' })).toEqual([0, 4, 8, 1, 5, 9, 2, 6, 3, 7]);
    expect(list({ order: 'max', descending: true })).toEqual([7, 3, 6, 2, 9, 5, 1, 8, 4, 0]);
    expect(list({ order: 'mean', descending: true })).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 0]); // undefined last
    project.labels.set(f(5), { text: 'a' }, ADA);
    project.labels.set(f(2), { text: 'b' }, ADA);
    expect(list({ order: 'label' }).slice(0, 3)).toEqual([5, 2, 0]);
    expect(list({ order: 'label', descending: true }).slice(0, 3)).toEqual([2, 5, 0]);
  });

  it('filters by ranges, state, tag, list and selection, together', async () => {
    await fill();
    project.labels.setMany([f(2), f(4), f(6)], { text: 'x', tags: ['even', 'not_a%tag'] }, ADA);
    project.lists.save('mine', '', ADA);
    project.lists.add('mine', [f(6), f(4), f(7), f(4, OTHER_DICTIONARY)], ADA);
    expect(list({ ranges: { rate: { min: 0.02, max: 0.05 } } })).toEqual([2, 3, 4, 5]);
    expect(list({ ranges: { mean: { min: 8 } } })).toEqual([1, 2]);
    expect(list({ states: ['labelled'] })).toEqual([2, 4, 6]);
    expect(list({ tag: 'even', list: 'mine', order: 'rate', descending: true })).toEqual([6, 4]);
    expect(list({ tag: 'eve' })).toEqual([]);
    expect(list({ features: [9, 1, 4, 99], states: ['labelled', 'unlabelled'] })).toEqual([1, 4, 9]);
    expect(project.features.features({ dictionary: DICTIONARY, list: 'mine', order: 'impact' })).toEqual([4, 6, 7]);
    expect(project.features.position({ dictionary: DICTIONARY, list: 'mine', order: 'impact' }, 6)).toBe(1);
    expect(project.features.position({ dictionary: DICTIONARY, list: 'mine' }, 5)).toBeNull();
  });

  it('is searched in labels, in the text around the strongest places, and by number', async () => {
    await fill(10, DICTIONARY, (feature) => (feature === 8 ? 'Größe of\nthe harbour' : `word${feature}`));
    await fill(10, OTHER_DICTIONARY, () => 'harbour');
    project.labels.set(f(2), { text: 'harmful requests' }, ADA);
    project.labels.addComment(f(3), 'harm in a comment', ADA);
    expect(list({ search: 'harb' })).toEqual([8]);
    expect(list({ search: 'har' })).toEqual([2, 3, 8]);
    expect(list({ search: 'grosse' })).toEqual([]);
    expect(list({ search: 'grö harbour' })).toEqual([8]);
    expect(list({ search: 'equest' })).toEqual([2]);
    expect(list({ search: '7' })).toEqual([7]);
    for (const odd of ['"', '* OR', 'text:', "';--", '\u0000', '%', ''])
      expect(() => list({ search: odd })).not.toThrow();
    expect(list({ search: '"' })).toEqual([]);
  });

  it('shows at once what was written here and by others', async () => {
    await fill();
    expect(list({ states: ['labelled'] })).toEqual([]);
    project.labels.set(f(1), { text: 'here' }, ADA);
    expect(list({ states: ['labelled'] })).toEqual([1]);
    const other = await openProject(folder);
    other.labels.set(f(2), { text: 'there' }, ADA);
    other.close();
    expect(list({ states: ['labelled'] })).toEqual([1, 2]);
  });

  it('refuses what it does not know', async () => {
    expect(() => list()).toThrow(expect.objectContaining({ code: 'not-found' }));
    await fill();
    const bad = { dictionary: DICTIONARY, order: 'rate; DROP TABLE labels' } as unknown as FeatureQuery;
    expect(() => project.features.list(bad)).toThrow(expect.objectContaining({ code: 'usage' }));
    expect(() => list({ list: 'none' })).toThrow(expect.objectContaining({ code: 'not-found' }));
    expect(() => list({ search: 'x'.repeat(501) })).toThrow(expect.objectContaining({ code: 'usage' }));
    expect(project.features.list({ dictionary: DICTIONARY }, { offset: 1e9, limit: 5 })).toEqual({
      total: 10,
      rows: [],
    });
    expect(project.features.list({ dictionary: DICTIONARY }, { offset: -5, limit: -5 }).rows).toEqual([]);
  });
});

describe('other statistics of the same dictionary', () => {
  it('take the place of the old ones as a whole', async () => {
    await fill();
    project.labels.set(f(1), { text: 'stays' }, ADA);
    const rows = [row(0), row(1)];
    const set = { dictionary: DICTIONARY, folder: 'elsewhere', manifest: { tokens: 7 } };
    const old = await project.features.replace(
      set,
      rows,
      ['a', 'b'],
      words(2, () => 'another text'),
    );
    expect(old).toEqual([`dictionaries/${DICTIONARY.slice(0, 4)}/s`]);
    expect(project.features.set(DICTIONARY)).toMatchObject({ folder: 'elsewhere', manifest: { tokens: 7 }, size: 2 });
    expect(project.features.list({ dictionary: DICTIONARY }).rows).toMatchObject([{ label: '' }, { label: 'stays' }]);
    expect([list({ search: 'word' }), list({ search: 'another' })]).toEqual([[], [1]]);
  });

  it('that stop halfway leave the old ones; what they left is removed by the next', async () => {
    await fill();
    async function* failing(): AsyncGenerator<FeatureWords> {
      yield* words(2500, () => 'half');
      throw new Error('the disk');
    }
    const rows = Array.from({ length: 4500 }, (_, feature) => row(feature));
    const set = { dictionary: DICTIONARY, folder: 'half', manifest: {} };
    await expect(project.features.replace(set, rows, [], failing())).rejects.toThrow('the disk');
    expect(project.features.set(DICTIONARY)).toMatchObject({ size: 10 });
    expect(list({ search: 'half' })).toEqual([]);
    const whole = await project.features.replace(
      set,
      rows,
      [],
      words(4500, () => 'half'),
    );
    expect(whole).toHaveLength(1);
    expect(project.features.list({ dictionary: DICTIONARY, search: 'half' }).total).toBe(4499);
    expect(project.check().problems).toEqual([]);
  });
});
