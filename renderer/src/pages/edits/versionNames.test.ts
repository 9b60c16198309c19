import { describe, expect, it } from 'vitest';
import { behind, labelsIn, titleOf } from './versionNames.ts';

describe('versions as people see them', () => {
  it('have behind them what they were made from', () => {
    const versions = [
      { id: 'm', parents: ['a', 'b'] },
      { id: 'b', parents: ['o'] },
      { id: 'a', parents: ['o', 'gone'] },
      { id: 'o', parents: [] },
      { id: 'x', parents: ['o'] },
    ];
    expect([...behind(versions, 'm')].sort()).toEqual(['a', 'b', 'm', 'o']);
    expect([...behind(versions, 'gone')]).toEqual([]);
  });

  it('read as their first line, and their labels as they were then', () => {
    expect(titleOf({ message: 'Take it out\n\nbecause' })).toBe('Take it out');
    const dictionary = 'a'.repeat(64);
    const label = (text: string, feature: number) => ({ labels: [{ dictionary, feature, text }] });
    const labelOf = labelsIn(label('now', 1), label('then', 1), label('other', 2));
    expect([1, 2, 3].map((feature) => labelOf({ dictionary }, feature))).toEqual(['now', 'other', null]);
  });
});
