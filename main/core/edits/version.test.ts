import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { EMPTY_EDIT } from '../../contract/domain/edit.ts';
import type { Operation } from '../../contract/domain/operations/index.ts';
import { DICTIONARIES, operationsArbitrary } from '../../testing/edits/randomEdits.ts';
import {
  dictionariesOf,
  labelledFeatures,
  makeVersion,
  parseVersion,
  VERSION_FORMAT,
  type VersionContent,
} from './version.ts';
import { diffOperations, diffVersions, mergeBehaviours, mergeOperations, resolveConflicts } from './versionMerge.ts';

const CONTENT: VersionContent = {
  format: VERSION_FORMAT,
  parents: [],
  model: 'c'.repeat(64),
  operations: [
    {
      kind: 'clamp',
      value: -4,
      feature: 3,
      dictionary: DICTIONARIES[0],
      site: 'blocks.0.hook_resid_post',
      scope: { positions: 'notBos' },
      gates: [{ feature: 9, threshold: 0.5 }],
    },
  ],
  behaviours: [],
  labels: [{ dictionary: DICTIONARIES[0], feature: 3, text: 'compliance' }],
  message: 'Clamp compliance where the request is harmful',
  author: 'Ada',
  time: '2026-11-22T20:12:00.000Z',
};

describe('a version', () => {
  it('survives its file and keeps its id', () => {
    const version = makeVersion(CONTENT);
    expect(parseVersion(JSON.parse(JSON.stringify(version)), 'v.json')).toEqual(version);
    expect(dictionariesOf(version)).toEqual([DICTIONARIES[0]]);
    expect(labelledFeatures(version.operations).map(({ feature }) => feature)).toEqual([3, 9]);
  });

  it('has the same id in whatever order its behaviours and labels are given', () => {
    const label = (dictionary: 0 | 1, feature: number) => ({
      dictionary: DICTIONARIES[dictionary],
      feature,
      text: 'x',
    });
    const labels = [label(0, 3), label(0, 12), label(1, 3), label(1, 5)];
    const behaviours = ['a', 'b', 'c'].map((letter) => letter.repeat(64));
    const version = makeVersion({ ...CONTENT, labels, behaviours });
    expect(version).toMatchObject({ labels, behaviours });
    for (const order of [
      [3, 2, 1, 0],
      [1, 0, 3, 2],
      [2, 3, 0, 1],
    ]) {
      const mixed = order.map((index) => labels[index]!);
      const turned = { ...CONTENT, labels: mixed, behaviours: behaviours.toReversed() };
      expect(makeVersion(turned)).toEqual(version);
    }
  });

  it('changes its id with every part of its content', () => {
    const { id } = makeVersion(CONTENT);
    const changes: readonly Partial<VersionContent>[] = [
      { parents: ['d'.repeat(64)] },
      { model: 'd'.repeat(64) },
      { operations: [] },
      { behaviours: ['d'.repeat(64)] },
      { labels: [] },
      { message: 'x' },
      { author: 'Eve' },
      { time: '2026-11-22T20:12:00.001Z' },
    ];
    const ids = changes.map((change) => makeVersion({ ...CONTENT, ...change }).id);
    expect(new Set([id, ...ids]).size).toBe(changes.length + 1);
  });

  it.each([
    ['a forged id', { id: 'f'.repeat(64) }, /was altered/u],
    ['a forged operation under an honest id', { operations: [] }, /was altered/u],
    ['a forged edit id', { edit: 'f'.repeat(64) }, /wrong edit/u],
    ['an unknown format', { format: 'errata.version.2' }, /errata\.version\.1/u],
    ['an unknown member', { surprise: 1 }, /surprise: is not known here/u],
    ['a time that is none', { time: '2026-02-30T00:00:00.000Z' }, /UTC time/u],
    ['an empty message', { message: ' \n ' }, /text is empty/u],
    ['a control character', { author: 'A\u0007' }, /control character/u],
    ['one parent twice', { parents: ['d'.repeat(64), 'd'.repeat(64)] }, /a parent twice/u],
  ])('read from a file is refused for %s', (_, change, message) => {
    const file: unknown = { ...JSON.parse(JSON.stringify(makeVersion(CONTENT))), ...change };
    expect(() => parseVersion(file, 'v.json')).toThrow(expect.objectContaining({ code: 'invalid-file' }));
    expect(() => parseVersion(file, 'v.json')).toThrow(message);
  });
});

const clamp = (feature: number, value: number): Operation => ({
  kind: 'clamp',
  value,
  feature,
  dictionary: DICTIONARIES[0],
  site: 'blocks.0.hook_resid_post',
  scope: { positions: 'all' },
  gates: [],
});

describe('a difference', () => {
  it('applied to the first edit gives the second: the three-way merge with the first as its base', () => {
    fc.assert(
      fc.property(operationsArbitrary, operationsArbitrary, (a, b) => {
        expect(mergeOperations([a], a, b)).toEqual({ operations: b, conflicts: [] });
        expect(diffOperations(a, a)).toEqual([]);
        const backwards = diffOperations(b, a).map(({ key, before, after }) => ({ key, before: after, after: before }));
        expect(diffOperations(a, b)).toEqual(backwards);
      }),
    );
  });

  it('shows labels as they read at each version', () => {
    const before = makeVersion(CONTENT);
    const after = makeVersion({
      ...CONTENT,
      operations: [clamp(3, 1)],
      labels: [{ ...CONTENT.labels[0]!, text: 'obeys' }],
    });
    expect(diffVersions(before, after).operations).toMatchObject([{ labelBefore: 'compliance', labelAfter: 'obeys' }]);
    expect(diffVersions(before, makeVersion({ ...CONTENT, ...EMPTY_EDIT, labels: [] })).operations).toMatchObject([
      { after: null, labelBefore: 'compliance', labelAfter: null },
    ]);
  });
});

describe('a three-way merge', () => {
  it('is symmetric: swapping the sides swaps the sides of the conflicts and nothing else', () => {
    fc.assert(
      fc.property(
        fc.array(operationsArbitrary, { maxLength: 2 }),
        operationsArbitrary,
        operationsArbitrary,
        (bases, a, b) => {
          const one = mergeOperations(bases, a, b);
          const other = mergeOperations(bases.toReversed(), b, a);
          expect(other.operations).toEqual(one.operations);
          expect(other.conflicts.map(({ ours, theirs, ...rest }) => ({ ...rest, ours: theirs, theirs: ours }))).toEqual(
            one.conflicts,
          );
          expect(resolveConflicts(one, () => 'ours')).toEqual(resolveConflicts(other, () => 'theirs'));
        },
      ),
    );
  });

  it('conflicts exactly where both sides changed one feature to different operations', () => {
    const base = [clamp(1, 1), clamp(2, 1), clamp(3, 1), clamp(4, 1)];
    const ours = [clamp(1, 2), clamp(2, 2), clamp(3, 2), clamp(5, 1)];
    const theirs = [clamp(1, 1), clamp(2, 2), clamp(3, 3), clamp(4, 2), clamp(5, 2)];
    const result = mergeOperations([base], ours, theirs);
    expect(result.operations).toEqual([clamp(1, 2), clamp(2, 2)]);
    expect(
      result.conflicts.map(({ ours: our, theirs: their, base: old }) => [old?.feature, our?.feature, their?.feature]),
    ).toEqual([
      [3, 3, 3],
      [4, undefined, 4],
      [undefined, 5, 5],
    ]);
    expect(() => resolveConflicts(result, () => undefined)).toThrow(/features 3, 4, 5 differently/u);
    expect(
      resolveConflicts(result, ({ key }) => (key.endsWith(' 4') ? 'ours' : key.endsWith(' 5') ? 'none' : 'theirs')),
    ).toEqual([clamp(1, 2), clamp(2, 2), clamp(3, 3)]);
  });

  it('has no base to judge by where the common ancestors disagree', () => {
    const result = mergeOperations([[clamp(1, 1)], [clamp(1, 2)]], [clamp(1, 1)], [clamp(1, 2)]);
    expect(result.conflicts).toMatchObject([{ base: undefined }]);
  });

  it('reverts a revert to the original, whatever else happened to other features in between', () => {
    fc.assert(
      fc.property(operationsArbitrary, operationsArbitrary, operationsArbitrary, (parent, version, head) => {
        // revert: base = the version, ours = the head, theirs = the version's parent
        const reverted = mergeOperations([version], head, parent);
        fc.pre(reverted.conflicts.length === 0);
        // revert of that revert: base = the revert, ours = the revert, theirs = the head before it
        expect(mergeOperations([reverted.operations], reverted.operations, head)).toEqual({
          operations: head,
          conflicts: [],
        });
      }),
    );
    fc.assert(
      fc.property(operationsArbitrary, operationsArbitrary, (parent, version) => {
        const reverted = mergeOperations([version], version, parent);
        expect(reverted).toEqual({ operations: parent, conflicts: [] });
      }),
    );
  });

  it('merges sets of behaviours by what each side added and removed', () => {
    expect(mergeBehaviours([['a', 'b', 'c']], ['a', 'b', 'd'], ['b', 'c', 'e'])).toEqual(['b', 'd', 'e']);
    expect(mergeBehaviours([], ['a'], ['b'])).toEqual(['a', 'b']);
  });
});
