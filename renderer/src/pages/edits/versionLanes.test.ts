import { describe, expect, it } from 'vitest';
import { versionLanes } from './versionLanes.ts';

const version = (id: string, ...parents: string[]) => ({ id, parents });
const into = (lane: number) => ({ kind: 'in', lane });
const out = (lane: number) => ({ kind: 'out', lane });
const pass = (lane: number) => ({ kind: 'pass', lane });

describe('the graph of versions', () => {
  it('is one lane without branches', () => {
    expect(versionLanes([version('c', 'b'), version('b', 'a'), version('a')])).toEqual([
      { id: 'c', lane: 0, lines: [out(0)], lanes: 1 },
      { id: 'b', lane: 0, lines: [into(0), out(0)], lanes: 1 },
      { id: 'a', lane: 0, lines: [into(0)], lanes: 1 },
    ]);
  });

  it('opens a lane for a branch and closes it where the branch began', () => {
    const rows = versionLanes([version('d', 'a'), version('c', 'b'), version('b', 'a'), version('a')]);
    expect(rows.map(({ lane }) => lane)).toEqual([0, 1, 1, 0]);
    expect(rows[1]?.lines).toEqual([pass(0), out(1)]);
    expect(rows[3]?.lines).toEqual([into(0), into(1)]);
  });

  it('draws a merge to both of its parents', () => {
    const rows = versionLanes([version('m', 'b', 'c'), version('c', 'a'), version('b', 'a'), version('a')]);
    expect(rows.map(({ lane }) => lane)).toEqual([0, 1, 0, 0]);
    expect(rows[0]?.lines).toEqual([out(0), out(1)]);
    expect(rows[3]?.lines).toEqual([into(0), into(1)]);
  });

  it('does without parents that are not in the list', () => {
    expect(versionLanes([version('b', 'gone')])).toEqual([{ id: 'b', lane: 0, lines: [], lanes: 1 }]);
  });
});
