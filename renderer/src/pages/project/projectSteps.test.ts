import { describe, expect, it } from 'vitest';
import { groupSteps, projectSteps } from './projectSteps.ts';

const none = { models: 0, activations: 0, dictionaries: 0, labels: 0, behaviours: 0, versions: 0, exports: 0 };
const next = (counts: typeof none, evaluations = 0) =>
  projectSteps(counts, evaluations).find(({ isDone }) => !isDone)?.title;

describe('what a project has, and what comes next', () => {
  it('an empty project begins with a model', () => {
    expect(next(none)).toBe('Add a model');
    expect(projectSteps(none, 0).map(({ detail }) => detail)).toEqual(Array<string>(7).fill(''));
  });
  it('the sample needs no captured activations: what is next is the export', () => {
    const sample = { ...none, models: 1, dictionaries: 1, labels: 263, behaviours: 11, versions: 1 };
    expect(next(sample, 1)).toBe('Export the patched model');
    expect(projectSteps(sample, 1).map(({ detail }) => detail)).toEqual([
      ...[
        '1 model',
        'not needed: there is a dictionary',
        '1 dictionary',
        '263 labels',
        '1 version',
        '1 evaluation',
        '',
      ],
    ]);
  });
  it('a model alone needs its activations', () => {
    expect(next({ ...none, models: 2 })).toBe('Capture its activations');
    expect(next({ ...none, models: 1, activations: 1 })).toBe('Train a dictionary');
  });
});

describe('the history', () => {
  const step = (id: number, title: string, author = 'Errata') => ({
    ...{ id, kind: 'do', status: 'done', time: '2026-01-01', title, author },
  });
  it('shows what one author did in a row as one line', () => {
    const steps = [
      step(4, 'Commit'),
      step(3, 'Saved behaviour “b”'),
      step(2, 'Saved behaviour “a”'),
      step(1, 'Saved behaviour “a”', 'Ada'),
    ];
    expect(groupSteps(steps).map(({ id, more }) => [id, more])).toEqual([
      [4, 0],
      [3, 1],
      [1, 0],
    ]);
  });
});
