import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { UNLABELLED, type Label, type LabelContent, type LabelRecord } from '../../contract/domain/label.ts';
import { featureKey, sameContent } from './labels.ts';
import { IMPORT_RULES } from '../../contract/domain/label.ts';
import {
  combineLabels,
  decideImport,
  measureAgreement,
  mergeLabels,
  textsAreSame,
  wordOverlap,
} from './labelsMerge.ts';
import { contentArbitrary, recordsArbitrary } from '../../testing/features/randomLabels.ts';

const DICTIONARY = 'a'.repeat(64);
const label = (content: Partial<LabelContent>, author = 'Ada', time = '2026-01-01T00:00:00.000Z'): Label => ({
  ...UNLABELLED,
  ...content,
  author,
  time,
});
const record = (feature: number, content: Partial<LabelContent>, author?: string, time?: string): LabelRecord => ({
  dictionary: DICTIONARY,
  feature,
  comments: [],
  ...label(content, author, time),
});
const byKey = (records: readonly LabelRecord[]) => new Map(records.map((each) => [featureKey(each), each]));

describe('combining two labels', () => {
  it('is symmetric but for whose value stands in a conflict', () => {
    fc.assert(
      fc.property(contentArbitrary, contentArbitrary, fc.option(contentArbitrary, { nil: undefined }), (a, b, base) => {
        const one = combineLabels(a, b, base);
        const other = combineLabels(b, a, base);
        expect(other.conflicts).toEqual(one.conflicts);
        if (one.conflicts.length === 0) expect(other.content).toEqual(one.content);
      }),
    );
  });

  it('changes nothing when one side says nothing, or is what both started from', () => {
    fc.assert(
      fc.property(contentArbitrary, contentArbitrary, (a, b) => {
        expect(combineLabels(a, UNLABELLED)).toEqual({ content: a, conflicts: [] });
        expect(combineLabels(a, b, b)).toEqual({ content: a, conflicts: [] });
        expect(combineLabels(a, a)).toEqual({ content: a, conflicts: [] });
      }),
    );
  });

  it('unites what does not contradict and lists what does', () => {
    const a = label({ state: 'draft', text: 'refusal', tags: ['x'] });
    const b = label({ state: 'labelled', text: 'refusal', notes: 'seen in chat', tags: ['y'], confidence: 3 });
    expect(combineLabels(a, b)).toEqual({
      content: { state: 'labelled', text: 'refusal', notes: 'seen in chat', tags: ['x', 'y'], confidence: 3 },
      conflicts: [],
    });
    expect(combineLabels(a, label({ state: 'uninterpretable' })).conflicts).toEqual(['state']);
    expect(combineLabels(b, label({ ...b, text: 'compliance', confidence: 5 })).conflicts).toEqual([
      'text',
      'confidence',
    ]);
  });
});

describe('an import', () => {
  const mine = label({ state: 'labelled', text: 'mine', notes: '' });
  const theirs: LabelContent = { ...UNLABELLED, state: 'labelled', text: 'theirs', notes: 'theirs' };

  it('decides a contradiction by its rule', () => {
    const result = (rule: (typeof IMPORT_RULES)[number], time: string | null) => {
      const {
        outcome,
        result: { text, notes },
      } = decideImport(mine, theirs, time, rule);
      return [outcome, text, notes];
    };
    expect(result('keep', null)).toEqual(['conflict', 'mine', '']);
    expect(result('refuse', null)).toEqual(['conflict', 'mine', '']);
    expect(result('fill', null)).toEqual(['conflict', 'mine', 'theirs']);
    expect(result('replace', null)).toEqual(['conflict', 'theirs', 'theirs']);
    expect(result('newer', null)).toEqual(['conflict', 'mine', '']);
    expect(result('newer', '2025-12-31T23:59:59.999Z')).toEqual(['conflict', 'mine', '']);
    expect(result('newer', '2026-01-01T00:00:00.001Z')).toEqual(['conflict', 'theirs', 'theirs']);
  });

  it('adds what is missing under every rule', () => {
    for (const rule of IMPORT_RULES) {
      expect(decideImport(null, theirs, null, rule)).toMatchObject({ outcome: 'added', result: theirs });
      expect(decideImport(mine, { ...mine, notes: 'more' }, null, rule)).toMatchObject({
        outcome: 'filled',
        result: { notes: 'more' },
      });
      expect(decideImport(mine, mine, null, rule).outcome).toBe('same');
      expect(decideImport(mine, UNLABELLED, null, rule).outcome).toBe('same');
    }
  });
});

describe('merging two files of labels', () => {
  it('is symmetric: same labels, and conflicts with their sides swapped', () => {
    const records = recordsArbitrary(DICTIONARY).map(byKey);
    fc.assert(
      fc.property(records, records, fc.option(records, { nil: undefined }), (a, b, base) => {
        const one = mergeLabels(a, b, base);
        const other = mergeLabels(b, a, base);
        expect(other.merged).toEqual(one.merged);
        expect(other.conflicts).toEqual(
          one.conflicts.map(({ fields, ours, theirs }) => ({ fields, ours: theirs, theirs: ours })),
        );
        expect(mergeLabels(a, a)).toEqual({
          merged: [...a.values()]
            .sort((x, y) => (featureKey(x) < featureKey(y) ? -1 : 1))
            .map((each) => ({ ...each, comments: expect.arrayContaining([...each.comments]) as unknown })),
          conflicts: [],
        });
      }),
    );
  });

  it('keeps a deletion, unless the other side has changed the label since', () => {
    const base = byKey([record(1, { state: 'labelled', text: 'a' }), record(2, { state: 'labelled', text: 'b' })]);
    const changed = byKey([record(1, { state: 'labelled', text: 'a' }), record(2, { state: 'labelled', text: 'c' })]);
    const { merged } = mergeLabels(new Map(), changed, base);
    expect(merged.map(({ text }) => text)).toEqual(['c']);
  });

  it('names the author of a whole label, and both authors of a joint one', () => {
    const a = byKey([record(1, { state: 'labelled', text: 't' }, 'Ada')]);
    const b = byKey([record(1, { state: 'labelled', text: 't', notes: 'n' }, 'Ben')]);
    const c = byKey([record(1, { state: 'labelled', text: 't', tags: ['x'] }, 'Ada')]);
    expect(mergeLabels(a, b).merged[0]?.author).toBe('Ben');
    expect(mergeLabels(c, b).merged[0]?.author).toBe('Ada & Ben');
  });
});

describe('agreement', () => {
  /** κ straight from the definition, over a table of counts. */
  function kappaOf(table: readonly (readonly number[])[]): number {
    const total = table.flat().reduce((sum, count) => sum + count, 0);
    const observed = table.reduce((sum, row, i) => sum + (row[i] ?? 0), 0) / total;
    const expected = table.reduce((sum, row, i) => {
      const ours = row.reduce((a, b) => a + b, 0) / total;
      const theirs = table.reduce((a, other) => a + (other[i] ?? 0), 0) / total;
      return sum + ours * theirs;
    }, 0);
    return (observed - expected) / (1 - expected);
  }

  /** Two people's records whose states fall into the table: rows ours, columns theirs. */
  function people(states: readonly LabelContent['state'][], table: readonly (readonly number[])[]) {
    const ours: LabelRecord[] = [];
    const theirs: LabelRecord[] = [];
    for (const [i, row] of table.entries()) {
      for (const [j, count] of row.entries()) {
        for (let n = 0; n < count; n++) {
          ours.push(record(ours.length, { state: states[i] ?? 'draft', text: 'x' }));
          theirs.push(record(theirs.length, { state: states[j] ?? 'draft', text: 'x' }));
        }
      }
    }
    return [byKey(ours), byKey(theirs)] as const;
  }

  it("is Cohen's κ: 0.4 in the textbook example of 20, 5, 10 and 15", () => {
    const table = [
      [20, 5],
      [10, 15],
    ];
    const [ours, theirs] = people(['labelled', 'uninterpretable'], table);
    const { kappa, observed, expected } = measureAgreement(ours, theirs);
    expect(observed).toBeCloseTo(0.7, 12);
    expect(expected).toBeCloseTo(0.5, 12);
    expect(kappa).toBeCloseTo(0.4, 12); // exact but for rounding of three divisions
    expect(kappaOf(table)).toBeCloseTo(0.4, 12);
  });

  it('equals the definition on any table, and is the same seen from either side', () => {
    const cell = fc.nat({ max: 6 });
    fc.assert(
      fc.property(
        fc.tuple(fc.tuple(cell, cell, cell), fc.tuple(cell, cell, cell), fc.tuple(cell, cell, cell)),
        (table) => {
          const [ours, theirs] = people(['draft', 'labelled', 'uninterpretable'], table);
          const { kappa } = measureAgreement(ours, theirs);
          const reference = kappaOf(table);
          if (Number.isFinite(reference)) expect(kappa).toBeCloseTo(reference, 10);
          else expect(kappa).toBeNull();
          expect(measureAgreement(theirs, ours).kappa).toBe(kappa);
        },
      ),
    );
  });

  it('counts a feature that only one of them labelled as unlabelled by the other', () => {
    const { features, observed } = measureAgreement(byKey([record(1, { state: 'labelled', text: 'a' })]), new Map());
    expect([features, observed]).toEqual([1, 0]);
    expect(measureAgreement(new Map(), new Map())).toMatchObject({ features: 0, kappa: null, meanWordOverlap: null });
  });

  it('compares texts by their words', () => {
    expect(textsAreSame('Harmful  requests!', 'harmful requests')).toBe(true);
    expect(textsAreSame('harmful requests', 'harmless requests')).toBe(false);
    expect(wordOverlap('harmful requests in chat', 'requests that are harmful')).toBeCloseTo(2 / 6, 12);
    expect(wordOverlap('…', '…')).toBe(1);
    const ours = byKey([record(1, { state: 'labelled', text: 'a b' }), record(2, { state: 'labelled', text: 'C' })]);
    const theirs = byKey([record(1, { state: 'labelled', text: 'b c' }), record(2, { state: 'labelled', text: 'c' })]);
    expect(measureAgreement(ours, theirs)).toMatchObject({
      textsCompared: 2,
      textsSame: 1,
      meanWordOverlap: (1 / 3 + 1) / 2,
    });
    expect([...ours.values()].every((each) => sameContent(each, each))).toBe(true);
  });
});
