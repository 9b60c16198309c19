import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { AppError } from '../contract/base/errors.ts';
import { operationArbitrary } from '../testing/edits/randomEdits.ts';
import { contentArbitrary } from '../testing/features/randomLabels.ts';
import type { Project } from './project/project.ts';
import { DICTIONARY, MODEL, temporaryProject } from '../testing/storage/temporaryProject.ts';

// Every write waits for the disk, and the disk may be busy with other things.
vi.setConfig({ testTimeout: 240_000 });

type Action = (project: Project, author: string) => unknown;

const key = fc.nat({ max: 4 }).map((feature) => ({ dictionary: DICTIONARY, feature }));
const keys = fc.array(key, { minLength: 1, maxLength: 4 });
const name = fc.constantFrom('one', 'two', 'three');

const labelAction: fc.Arbitrary<Action> = fc.oneof(
  fc.tuple(key, contentArbitrary).map(
    ([feature, content]): Action =>
      (p, author) =>
        p.labels.set(feature, content, { author }),
  ),
  fc.tuple(keys, fc.constantFrom('x', 'y')).map(
    ([features, tag]): Action =>
      (p, author) =>
        p.labels.setMany(features, { tags: [tag] }, { author }),
  ),
  key.map(
    (feature): Action =>
      (p, author) =>
        p.labels.remove(feature, { author }),
  ),
  key.map(
    (feature): Action =>
      (p, author) =>
        p.labels.restore(feature, p.labels.history(feature).at(-1)?.change ?? 0, { author }),
  ),
  key.map(
    (feature): Action =>
      (p, author) =>
        p.labels.addComment(feature, 'said', { author }),
  ),
  key.map(
    (feature): Action =>
      (p, author) =>
        p.labels.removeComment(p.labels.comments(feature)[0]?.id ?? '', { author }),
  ),
);
const listAction: fc.Arbitrary<Action> = fc.oneof(
  fc.tuple(name, name).map(
    ([list, text]): Action =>
      (p, author) =>
        p.lists.save(list, text, { author }),
  ),
  fc.tuple(name, keys).map(
    ([list, features]): Action =>
      (p, author) =>
        p.lists.add(list, features, { author }),
  ),
  fc.tuple(name, keys).map(
    ([list, features]): Action =>
      (p, author) =>
        p.lists.take(list, features, { author }),
  ),
  name.map(
    (list): Action =>
      (p, author) =>
        p.lists.remove(list, { author }),
  ),
);
const versionAction: fc.Arbitrary<Action> = fc.oneof(
  name.map(
    (branch): Action =>
      (p, author) =>
        p.versions.begin(branch, MODEL, { author, discard: true }),
  ),
  operationArbitrary.map(
    (operation): Action =>
      (p, author) =>
        p.versions.setOperation(operation, { author }),
  ),
  // Committing needs an edit with a change in it: brought along, so that versions are made often.
  fc.tuple(name, operationArbitrary).map(([branch, operation]): Action => (p, author) => {
    if (p.versions.working() === null) p.versions.begin(branch, MODEL, { author });
    p.versions.setOperation(operation, { author });
    p.versions.commit('a version', { author });
  }),
  fc.constant<Action>((p, author) => p.versions.revert('HEAD', { author })),
  name.map(
    (branch): Action =>
      (p, author) =>
        p.versions.createBranch(branch, 'HEAD', { author }),
  ),
  name.map(
    (branch): Action =>
      (p, author) =>
        p.versions.checkout(branch, { author, discard: true }),
  ),
  name.map(
    (branch): Action =>
      (p, author) =>
        p.versions.merge(branch, { author, decide: () => 'ours' }),
  ),
  name.map(
    (branch): Action =>
      (p, author) =>
        p.versions.deleteBranch(branch, { author }),
  ),
  name.map(
    (tag): Action =>
      (p, author) =>
        p.versions.createTag(`v-${tag}`, 'HEAD', 'a tag', { author }),
  ),
  name.map(
    (tag): Action =>
      (p, author) =>
        p.versions.deleteTag(`v-${tag}`, { author }),
  ),
);
const behaviourAction: fc.Arbitrary<Action> = fc.oneof(
  fc.tuple(name, fc.nat({ max: 2 })).map(
    ([behaviour, prompt]): Action =>
      (p, author) =>
        p.behaviours.save(
          { name: behaviour, cases: [{ prompt: `p${prompt}`, checks: [{ kind: 'refuses' }] }] },
          { author },
        ),
  ),
  name.map(
    (behaviour): Action =>
      (p, author) =>
        p.behaviours.remove(behaviour, { author }),
  ),
);
/** All that people can do but undo. What is refused (`AppError`) must leave no trace; the rest must be undoable. */
const doing: fc.Arbitrary<Action> = fc.oneof(labelAction, listAction, versionAction, behaviourAction);
const action: fc.Arbitrary<Action> = fc.oneof(
  { weight: 6, arbitrary: doing },
  { weight: 1, arbitrary: fc.constant<Action>((p, author) => p.undo(author)) },
  { weight: 1, arbitrary: fc.constant<Action>((p, author) => p.redo(author)) },
);

/** All that people see, without revisions (which count up for ever). */
function snapshot(project: Project): unknown {
  return {
    labels: [...project.labels.records()],
    lists: project.lists.all().map((list) => [list, project.lists.members(list.name)]),
    branches: project.versions.branches(),
    tags: project.versions.tags(),
    working: project.versions.working(),
    behaviours: project.behaviours.list().map(({ revision: _, ...rest }) => rest),
    found: ['x', 'said', 'harm', '日本'].map((query) =>
      project
        .search(query)
        .map(({ feature }) => feature)
        .toSorted(),
    ),
  };
}

function attempt(project: Project, author: string, act: Action): void {
  const before = project.steps(1)[0]?.id;
  try {
    act(project, author);
  } catch (thrown) {
    if (!(thrown instanceof AppError) || thrown.code === 'internal') throw thrown;
    expect(project.steps(1)[0]?.id).toBe(before); // what is refused leaves no step
  }
}

function undoAll(project: Project, author: string): number {
  for (let count = 0; ; count++) {
    try {
      expect(project.undo(author).skipped).toEqual([]);
    } catch (thrown) {
      if (thrown instanceof AppError && thrown.code === 'empty') return count;
      throw thrown;
    }
  }
}

describe('whatever people do', () => {
  let project: Project;
  let remove: () => void;
  beforeAll(async () => ({ project, remove } = await temporaryProject()));
  afterAll(() => remove());

  // One project serves all runs (making one costs a hundred milliseconds): each run has its own author and starts from
  // whatever the runs before it undid, which is what this is about.
  let run = 0;

  it('undoing all of it gives the start', () => {
    fc.assert(
      fc.property(fc.array(action, { minLength: 1, maxLength: 20, size: 'max' }), (actions) => {
        const author = `Author ${run++}`;
        const start = snapshot(project);
        for (const act of actions) attempt(project, author, act);
        undoAll(project, author);
        expect(snapshot(project)).toEqual(start);
      }),
      { numRuns: 30 },
    );
  });

  it('doing all of it again gives the end', () => {
    fc.assert(
      fc.property(fc.array(doing, { minLength: 1, maxLength: 20, size: 'max' }), (actions) => {
        const author = `Author ${run++}`;
        for (const act of actions) attempt(project, author, act);
        const end = snapshot(project);
        const undone = undoAll(project, author);
        for (let i = 0; i < undone; i++) expect(project.redo(author).skipped).toEqual([]);
        expect(snapshot(project)).toEqual(end);
        undoAll(project, author);
      }),
      { numRuns: 30 },
    );
  });

  it('replaying the log rebuilds the tables, search included', () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(action, fc.constantFrom('Ada', 'Ben')), { minLength: 1, maxLength: 20, size: 'max' }),
        (actions) => {
          for (const [act, author] of actions) attempt(project, author, act);
          const before = snapshot(project);
          expect(project.check().problems).toEqual([]);
          project.rebuild();
          expect(snapshot(project)).toEqual(before);
          expect(project.check().problems).toEqual([]);
        },
      ),
      { numRuns: 20 },
    );
  });

  it('one person’s undo never takes back what another has written since', () => {
    let left = 0;
    fc.assert(
      fc.property(
        fc.array(fc.tuple(labelAction, fc.constantFrom('Ada', 'Ben')), { minLength: 4, maxLength: 20, size: 'max' }),
        (actions) => {
          const [ada, ben] = [`Ada ${run}`, `Ben ${run++}`];
          for (const [act, who] of actions) attempt(project, who === 'Ada' ? ada : ben, act);
          const bens = project.labels
            .list({}, 100)
            .filter((label) => project.labels.history(label)[0]?.step.author === ben);
          for (;;) {
            try {
              left += project.undo(ada).skipped.length;
            } catch (thrown) {
              expect(thrown).toMatchObject({ code: 'empty' });
              break;
            }
          }
          for (const label of bens) expect(project.labels.get(label)).toEqual(label);
        },
      ),
      { numRuns: 30 },
    );
    expect(left).toBeGreaterThan(0); // there was something that the undo had to leave alone
  });

  it('has been tried for every kind of thing: most of what was tried was not refused', () => {
    const did = new Set(project.steps(100_000).map(({ title }) => title.split(' ')[0]));
    expect(did.size).toBeGreaterThanOrEqual(9);
  });
});
