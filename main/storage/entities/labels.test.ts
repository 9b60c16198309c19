import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Project } from '../project/project.ts';
import { openProject } from '../project/open.ts';
import { DICTIONARY, OTHER_DICTIONARY, temporaryProject } from '../../testing/storage/temporaryProject.ts';

let project: Project;
let folder: string;
let remove: () => void;
beforeEach(async () => ({ project, folder, remove } = await temporaryProject()));
afterEach(() => remove());

const f = (feature: number, dictionary = DICTIONARY) => ({ dictionary, feature });
const ADA = { author: 'Ada' };
const BEN = { author: 'Ben' };

describe('a label', () => {
  it('is there again after reopening, with who wrote it and when', async () => {
    const written = project.labels.set(f(3), { text: 'harmful requests', tags: ['safety'], confidence: 4 }, ADA);
    expect(written).toMatchObject({ state: 'labelled', author: 'Ada', text: 'harmful requests' });
    project.close();
    project = await openProject(folder);
    expect(project.labels.get(f(3))).toEqual(written);
    expect(project.labels.get(f(3, OTHER_DICTIONARY))).toBeNull();
  });

  it('has a history of who, when, what before and why, any state of which can be brought back', () => {
    project.labels.set(f(3), { text: 'a' }, { author: 'Ada', reason: 'first look' });
    project.labels.set(f(3), { text: 'b' }, { author: 'Ben', reason: 'examples 4–9 disagree' });
    project.labels.remove(f(3), ADA);
    const history = project.labels.history(f(3));
    expect(history.map(({ before, after, step }) => [before?.text, after?.text, step.author, step.reason])).toEqual([
      ['b', undefined, 'Ada', ''],
      ['a', 'b', 'Ben', 'examples 4–9 disagree'],
      [undefined, 'a', 'Ada', 'first look'],
    ]);
    const oldest = history.at(-1)?.change ?? 0;
    expect(project.labels.restore(f(3), oldest, BEN)).toMatchObject({ text: 'a', author: 'Ada' });
    expect(project.labels.history(f(3))).toHaveLength(4);
    expect(project.labels.restore(f(3), oldest, { ...BEN, side: 'before' })).toBeNull();
    expect(() => project.labels.restore(f(4), oldest, BEN)).toThrow(/no history entry/u);
  });

  it('gets and loses tags beside those that it has, many features in one step that undo takes back whole', () => {
    project.labels.set(f(1), { text: 'a', tags: ['kept', 'old'] }, ADA);
    const keys = [1, 2, 3].map((feature) => f(feature));
    project.labels.setMany(keys, {}, ADA, { addTags: ['new', 'kept'], removeTags: ['old'] });
    const tags = () => keys.map((key) => project.labels.get(key)?.tags ?? null);
    expect(tags()).toEqual([
      ['kept', 'new'],
      ['kept', 'new'],
      ['kept', 'new'],
    ]);
    expect(project.labels.get(f(1))?.text).toBe('a');
    expect(project.labels.get(f(2))?.state).toBe('unlabelled');
    project.undo('Ada');
    expect(tags()).toEqual([['kept', 'old'], null, null]);
    const many = Array.from({ length: 63 }, (_, index) => `tag ${index}`);
    // One of them would have too many: none is changed.
    expect(() => project.labels.setMany(keys, {}, ADA, { addTags: many })).toThrow(/more than 64 tags/u);
    expect(tags()).toEqual([['kept', 'old'], null, null]);
  });

  it('that somebody else has changed is not overwritten unseen', () => {
    const seen = project.labels.set(f(3), { text: 'a' }, ADA);
    project.labels.set(f(3), { text: 'b' }, BEN);
    const stale = () => project.labels.set(f(3), { text: 'c' }, { ...ADA, expectedRevision: seen?.revision });
    expect(stale).toThrow(expect.objectContaining({ code: 'conflict' }));
    expect(stale).toThrow(/Ben changed it/u);
    expect(project.labels.get(f(3))?.text).toBe('b');
    expect(() => project.labels.set(f(9), { text: 'x' }, { ...ADA, expectedRevision: 7 })).toThrow(/has been removed/u);
    expect(project.labels.set(f(9), { text: 'x' }, { ...ADA, expectedRevision: 0 })?.text).toBe('x');
  });

  it('that was removed and written anew has another revision than before: no stale write slips through', () => {
    const first = project.labels.set(f(3), { text: 'a' }, ADA);
    project.labels.remove(f(3), BEN);
    const second = project.labels.set(f(3), { text: 'a' }, BEN);
    expect(second?.revision).not.toBe(first?.revision);
  });

  it('is set, undone and done again for many features as one step', () => {
    const keys = Array.from({ length: 500 }, (_, feature) => f(feature));
    project.labels.set(f(7), { text: 'seven', notes: 'mine' }, ADA);
    project.labels.setMany(keys, { tags: ['batch'], state: 'uninterpretable' }, { ...ADA, reason: 'dead' });
    expect(project.labels.counts()).toMatchObject({ uninterpretable: 500 });
    expect(project.undo('Ada')).toMatchObject({ changed: 500, skipped: [], step: { title: 'Label 500 features' } });
    expect(project.labels.list()).toMatchObject([{ feature: 7, text: 'seven', tags: [] }]);
    expect(project.redo('Ada').changed).toBe(500);
    expect(project.labels.tags()).toEqual([{ tag: 'batch', count: 500 }]);
  });

  it('in a bulk change is refused as a whole when one of it is refused', () => {
    expect(() => project.labels.setMany([f(1), f(-1)], { text: 'x' }, ADA)).toThrow(/not negative/u);
    expect(() => project.labels.setMany([f(1), f(2)], { state: 'labelled' }, ADA)).toThrow(/has a text/u);
    expect(project.labels.list()).toEqual([]);
    expect(project.steps()).toEqual([]);
  });

  it('with 10 MB, control characters or no author is refused, and leaves nothing', () => {
    expect(() => project.labels.set(f(1), { text: 'x'.repeat(10 << 20) }, ADA)).toThrow(
      expect.objectContaining({ code: 'usage' }),
    );
    expect(() => project.labels.set(f(1), { text: 'a\u0000b' }, ADA)).toThrow(/control character/u);
    expect(() => project.labels.set(f(1), { text: 'a' }, { author: ' ' })).toThrow(/The author/u);
    expect(project.steps()).toEqual([]);
  });

  it('of a feature that its dictionary does not have is refused; of a dictionary elsewhere all are taken', () => {
    project.catalog.put({
      kind: 'dictionary',
      id: DICTIONARY,
      name: 'first',
      folder: 'dictionaries/first',
      manifest: { size: 1024 },
      created: '2026-01-01T00:00:00.000Z',
    });
    expect(() => project.labels.set(f(1024), { text: 'a' }, ADA)).toThrow(/features 0 to 1023, but not 1024/u);
    expect(() => project.labels.setMany([f(0), f(5000)], { state: 'draft' }, ADA)).toThrow(/not 5000/u);
    expect(() => project.labels.addComment(f(1024), 'a', ADA)).toThrow(expect.objectContaining({ code: 'usage' }));
    expect(project.steps()).toEqual([]);
    project.labels.set(f(1023), { text: 'the last' }, ADA);
    project.labels.set(f(5000, OTHER_DICTIONARY), { text: 'who knows' }, ADA);
    expect(project.labels.list()).toHaveLength(2);
  });

  it('is listed in order, a page at a time, by state, tag and list', () => {
    for (const feature of [5, 1, 3])
      project.labels.set(f(feature), { text: `t${feature}`, tags: feature === 3 ? ['x', 'xy'] : ['xy'] }, ADA);
    project.labels.set(f(2), { state: 'uninterpretable' }, ADA);
    const features = (labels: readonly { feature: number }[]) => labels.map(({ feature }) => feature);
    expect(features(project.labels.list())).toEqual([1, 2, 3, 5]);
    expect(features(project.labels.list({}, 2))).toEqual([1, 2]);
    expect(features(project.labels.list({}, 2, f(2)))).toEqual([3, 5]);
    expect(features(project.labels.list({ states: ['labelled'] }))).toEqual([1, 3, 5]);
    expect(features(project.labels.list({ tag: 'x' }))).toEqual([3]);
    project.lists.save('later', '', ADA);
    project.lists.add('later', [f(5), f(1)], ADA);
    expect(features(project.labels.list({ list: 'later' }))).toEqual([1, 5]);
  });
});

describe('agreement with others', () => {
  it.each([
    ['little is one’s own', 'Ada', 'Ben'],
    ['most is one’s own', 'Ben', 'Ada'],
  ])('is over what both have labelled, where %s', (_, own, other) => {
    const write = (feature: number, text: string, author: string, dictionary = DICTIONARY) =>
      project.labels.set(f(feature, dictionary), { text }, { author });
    for (let feature = 0; feature < 12; feature++) write(feature, `by Ben ${feature}`, 'Ben');
    expect(project.labels.agreement(DICTIONARY, own)).toMatchObject({ features: 0, kappa: null });
    write(3, 'by ben 3!', 'Ada');
    write(5, 'of flowers', 'Ada');
    write(6, 'undone', 'Ada');
    project.undo('Ada');
    write(20, 'nobody else looked', 'Ada');
    write(5, 'of flowers', 'Ada', OTHER_DICTIONARY);
    write(5, 'by Ben 5', 'Ben', OTHER_DICTIONARY);
    const found = project.labels.agreement(DICTIONARY, own);
    expect(found).toEqual(project.labels.agreement(DICTIONARY, other));
    expect(found).toMatchObject({ observed: 1, textsCompared: found.features, textsSame: 1 });
    expect([found.features, project.labels.agreement(OTHER_DICTIONARY, own).features]).toEqual([2, 1]);
    expect(project.labels.agreement(DICTIONARY, '').features).toBe(0);
  });
});

describe('undo', () => {
  it('reaches back over reopening', async () => {
    project.labels.set(f(1), { text: 'a' }, ADA);
    project.close();
    project = await openProject(folder);
    project.undo('Ada');
    expect(project.labels.get(f(1))).toBeNull();
    project.close();
    project = await openProject(folder);
    project.redo('Ada');
    expect(project.labels.get(f(1))?.text).toBe('a');
  });

  it('takes back one’s own steps only, and never what somebody has changed since', () => {
    project.labels.setMany([f(1), f(2)], { text: 'a' }, ADA);
    project.labels.set(f(2), { text: 'b' }, BEN);
    const report = project.undo('Ada');
    expect(report).toMatchObject({ changed: 1, skipped: [{ kind: 'label' }] });
    expect(project.labels.get(f(1))).toBeNull();
    expect(project.labels.get(f(2))?.text).toBe('b');
    expect(() => project.undo('Ada')).toThrow(expect.objectContaining({ code: 'empty' }));
    expect(project.undo('Ben').changed).toBe(1);
  });

  it('leaves alone what somebody else has brought back to the very state that the step made', () => {
    const after = project.labels.set(f(1), { text: 'a' }, ADA);
    project.labels.set(f(1), { text: 'b' }, BEN);
    project.labels.restore(f(1), project.labels.history(f(1)).at(-1)?.change ?? 0, BEN);
    expect(project.labels.get(f(1))).toMatchObject({ text: 'a', author: 'Ada', time: after?.time });
    expect(project.undo('Ada')).toMatchObject({ changed: 0, skipped: [{ kind: 'label' }] });
    expect(project.labels.get(f(1))?.text).toBe('a');
  });

  it('loses what was undone once something else is done', () => {
    project.labels.set(f(1), { text: 'a' }, ADA);
    project.undo('Ada');
    project.labels.set(f(1), { text: 'b' }, ADA);
    expect(() => project.redo('Ada')).toThrow(/nothing to redo/u);
  });
});

describe('comments and lists', () => {
  it('are kept with their feature, oldest first, and undone like labels', () => {
    const first = project.labels.addComment(f(1), 'see <i>prompt 3</i>', ADA);
    project.labels.addComment(f(1), 'agreed', BEN);
    expect(project.labels.comments(f(1)).map(({ body, author }) => [author, body])).toEqual([
      ['Ada', 'see <i>prompt 3</i>'],
      ['Ben', 'agreed'],
    ]);
    project.labels.removeComment(first.id, ADA);
    expect(project.labels.comments(f(1))).toHaveLength(1);
    project.undo('Ada');
    expect(project.labels.comments(f(1))[0]).toEqual(first);
    expect(() => project.labels.removeComment('x', ADA)).toThrow(/no such comment/u);
    expect(() => project.labels.addComment(f(1), ' ', ADA)).toThrow(/text is empty/u);
  });

  it('lists keep their order and no feature twice', () => {
    project.lists.save('candidates', 'for the jailbreak', ADA);
    project.lists.add('candidates', [f(9), f(2)], ADA);
    project.lists.add('candidates', [f(2), f(5)], ADA);
    expect(project.lists.members('candidates').map(({ feature }) => feature)).toEqual([9, 2, 5]);
    project.lists.take('candidates', [f(9), f(77)], ADA);
    expect(project.lists.all()).toEqual([{ name: 'candidates', description: 'for the jailbreak', size: 2 }]);
    project.lists.remove('candidates', ADA);
    expect(() => project.lists.members('candidates')).toThrow(expect.objectContaining({ code: 'not-found' }));
    project.undo('Ada');
    expect(project.lists.members('candidates').map(({ feature }) => feature)).toEqual([2, 5]);
    expect(() => project.lists.save('a/b', '', ADA)).toThrow(/holds a \//u);
  });

  it('a list is made by what is put on it where that is asked for, and both are one step', () => {
    expect(() => project.lists.add('new', [f(1)], ADA)).toThrow(expect.objectContaining({ code: 'not-found' }));
    project.lists.add('new', [f(1), f(2)], ADA, { makes: true });
    project.lists.add('new', [f(3)], ADA, { makes: true });
    expect(project.lists.all()).toEqual([{ name: 'new', description: '', size: 3 }]);
    expect(project.lists.containing(f(2))).toEqual(['new']);
    project.undo('Ada');
    project.undo('Ada');
    expect(project.lists.all()).toEqual([]);
    expect(() => project.lists.add('a/b', [f(1)], ADA, { makes: true })).toThrow(/holds a \//u);
  });
});

describe('search', () => {
  beforeEach(() => {
    project.labels.set(f(1), { text: 'harmful requests', notes: 'weapons and drugs' }, ADA);
    project.labels.set(f(2), { text: 'polite requests', tags: ['harmless'] }, ADA);
    project.labels.set(f(3), { text: 'Müllers Größe', notes: 'a note that mentions requests once' }, ADA);
    project.labels.set(f(4, OTHER_DICTIONARY), { text: 'harm in another dictionary' }, ADA);
    project.labels.addComment(f(5), 'only a comment about <script>alert(1)</script>', BEN);
  });
  const found = (query: string, options?: Parameters<Project['search']>[1]) =>
    project.search(query, options).map(({ feature }) => feature);

  it('finds words by their beginnings, in labels before notes', () => {
    expect(found('req', { mode: 'words' }).toSorted()).toEqual([1, 2, 3]);
    expect(found('req', { mode: 'words' }).at(-1)).toBe(3);
    expect(found('harm', { dictionary: DICTIONARY, mode: 'words' }).toSorted()).toEqual([1, 2]);
    expect(found('harmful weap', { mode: 'words' })).toEqual([1]);
    expect(found('grosse', { mode: 'words' })).toEqual([]);
    expect(found('muller', { mode: 'words' })).toEqual([3]);
    expect(found('only comment', { mode: 'words' })).toEqual([5]);
  });

  it('finds pieces of words, also short ones', () => {
    expect(found('armfu', { mode: 'substrings' })).toEqual([1]);
    expect(found('equest', { mode: 'substrings' })).toHaveLength(3);
    expect(found('ül')).toEqual([3]);
    expect(found('%', { mode: 'substrings' })).toEqual([]);
  });

  it('puts what it found by words first, and nothing twice', () => {
    const both = found('arm');
    expect(both.toSorted()).toEqual([1, 2, 4]);
    expect(new Set(both).size).toBe(both.length);
    expect(found('harm', { limit: 1 })).toHaveLength(1);
    expect(found('harm', { states: ['draft'] })).toEqual([]);
  });

  it('marks what matched by ranges in plain text, so markup stays text', () => {
    const [hit] = project.search('script');
    expect(hit?.comments.text).toBe('only a comment about <script>alert(1)</script>');
    expect(hit?.comments.matches.map(([start, end]) => hit.comments.text.slice(start, end))).toEqual([
      'script',
      'script',
    ]);
    expect(project.search('harmful')[0]?.text).toEqual({ text: 'harmful requests', matches: [[0, 7]] });
  });

  it('follows every change, undo included', () => {
    project.labels.set(f(1), { text: 'compliance' }, ADA);
    expect(found('harmful')).toEqual([]);
    expect(found('compl')).toEqual([1]);
    project.undo('Ada');
    expect(found('harmful')).toEqual([1]);
    project.labels.remove(f(1), ADA);
    expect(found('harmful')).toEqual([]);
    expect(project.check().problems).toEqual([]);
  });

  it('never reaches the index’s own syntax', () => {
    for (const query of [
      '"',
      'a OR b',
      'NEAR(a b)',
      'text:harm',
      '*',
      '-harm',
      '(',
      "'; DROP TABLE labels; --",
      '\u0000',
      '^harm',
      '{a b}:c',
      '   ',
      '""""',
      'AND',
    ]) {
      expect(() => project.search(query)).not.toThrow();
    }
    expect(found('harmful OR polite', { mode: 'words' })).toEqual([]);
    expect(() => project.search('x'.repeat(501))).toThrow(expect.objectContaining({ code: 'usage' }));
  });
});
