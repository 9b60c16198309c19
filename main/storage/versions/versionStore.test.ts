import { writeFileSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { targetKey } from '../../contract/domain/edit.ts';
import type { Operation } from '../../contract/domain/operations/index.ts';
import { shortId } from '../../core/edits/version.ts';
import type { Project } from '../project/project.ts';
import { DICTIONARY, MODEL, OTHER_DICTIONARY, temporaryProject } from '../../testing/storage/temporaryProject.ts';
import { parseVersionFile, readVersionFile, writeVersionFile } from './versionFile.ts';

let project: Project;
let folder: string;
let remove: () => void;
beforeEach(async () => ({ project, folder, remove } = await temporaryProject()));
afterEach(() => remove());

const ADA = { author: 'Ada' };
const BEN = { author: 'Ben' };
const SITE = 'blocks.0.hook_resid_post';
const clamp = (feature: number, value: number): Operation => ({
  kind: 'clamp',
  value,
  feature,
  dictionary: DICTIONARY,
  site: SITE,
  scope: { positions: 'all' },
  gates: [],
});
/** Commits a version in which these features are clamped to these values. */
function commit(values: Record<number, number>, message = JSON.stringify(values)) {
  project.versions.setOperations(
    Object.entries(values).map(([feature, value]) => clamp(Number(feature), value)),
    ADA,
  );
  return project.versions.commit(message, ADA);
}
const valuesOf = (operations: readonly Operation[]) =>
  Object.fromEntries(
    operations.map((operation) => [operation.feature, operation.kind === 'clamp' ? operation.value : null]),
  );
const values = (ref = 'HEAD') => valuesOf(project.versions.get(ref).operations);

describe('versions', () => {
  beforeEach(() => void project.versions.begin('main', MODEL, ADA));

  it('are named by their content, and carry the labels as they read when they were made', () => {
    project.labels.set({ dictionary: DICTIONARY, feature: 1 }, { text: 'harmful requests' }, ADA);
    const first = commit({ 1: -4 });
    project.labels.set({ dictionary: DICTIONARY, feature: 1 }, { text: 'requests' }, ADA);
    const second = commit({ 1: -2, 2: 0 });
    expect(second.parents).toEqual([first.id]);
    expect(project.versions.diff(first.id, second.id).operations).toMatchObject([
      { labelBefore: 'harmful requests', labelAfter: 'requests', before: { value: -4 }, after: { value: -2 } },
      { labelBefore: null, labelAfter: null, before: null, after: { feature: 2 } },
    ]);
    expect(project.versions.log(['main']).map(({ id }) => id)).toEqual([second.id, first.id]);
  });

  it('are found by branch, tag, HEAD, the first digits and steps back', () => {
    const [a, b, c] = [commit({ 1: 1 }), commit({ 1: 2 }), commit({ 1: 3 })];
    project.versions.createTag('paper', 'HEAD~1', 'as in the paper', ADA);
    for (const ref of ['main~2', 'HEAD^^', 'paper~', 'paper^1', a.id, a.id.slice(0, 8), 'HEAD~1~1'])
      expect(project.versions.resolve(ref)).toBe(a.id);
    expect(project.versions.resolve('paper')).toBe(b.id);
    expect(project.versions.resolve('HEAD~0')).toBe(c.id);
    for (const ref of ['HEAD~9', 'HEAD^2', 'nowhere', 'f'.repeat(64)]) {
      expect(() => project.versions.resolve(ref)).toThrow(expect.objectContaining({ code: 'not-found' }));
    }
    for (const ref of ['', '~', 'a~b', 'x'.repeat(200), 'HEAD~99999'])
      expect(() => project.versions.resolve(ref)).toThrow(expect.objectContaining({ code: 'usage' }));
  });

  it('are rolled back to, and reverted, by adding: nothing is deleted', () => {
    const [first, second] = [commit({ 1: 1 }), commit({ 1: 2, 2: 2 })];
    commit({ 1: 2, 2: 2, 3: 3 });
    const back = project.versions.rollBack(first.id, BEN);
    expect(values()).toEqual({ 1: 1 });
    expect(back.edit).toBe(first.edit);
    expect(project.versions.log()).toHaveLength(4);
    expect(() => project.versions.rollBack(first.id, BEN)).toThrow(expect.objectContaining({ code: 'empty' }));
    project.versions.checkout('HEAD~1', ADA);
    expect(project.versions.working()?.branch).toBeNull();
    project.versions.revert(second.id, ADA);
    expect(values()).toEqual({ 1: 1, 3: 3 });
  });

  it('reverted twice are the original', () => {
    commit({ 1: 1, 2: 1 });
    const version = commit({ 1: 2, 3: 3 });
    const reverted = project.versions.revert('HEAD', ADA);
    expect(values()).toEqual({ 1: 1, 2: 1 });
    expect(reverted.message).toMatch(/^Revert ".*"\n\nUndoes version /u);
    const again = project.versions.revert('HEAD', ADA);
    expect(again.edit).toBe(version.edit);
    expect(again.message).toMatch(/^Reapply "/u);
  });

  it('are picked from another branch without the rest of it', () => {
    const first = commit({ 1: 1 });
    project.versions.createBranch('side', 'HEAD', ADA);
    commit({ 1: 1, 2: 2 });
    project.versions.checkout('side', ADA);
    commit({ 1: 1, 3: 3 });
    const picked = project.versions.cherryPick('main', BEN);
    expect(values()).toEqual({ 1: 1, 2: 2, 3: 3 });
    expect(picked).toMatchObject({ author: 'Ben', parents: [project.versions.resolve('side~1')] });
    expect(() => project.versions.cherryPick(first.id, BEN)).toThrow(expect.objectContaining({ code: 'empty' }));
  });

  it('of two branches merge; where both changed one feature differently a side must be chosen', () => {
    commit({ 1: 1, 2: 1 });
    project.versions.createBranch('side', 'HEAD', ADA);
    commit({ 1: 5, 2: 2 });
    project.versions.checkout('side', ADA);
    commit({ 1: 1, 2: 3, 4: 4 });
    expect(project.versions.mergeConflicts('main').map(({ ours, theirs }) => [ours?.feature, theirs?.feature])).toEqual(
      [[2, 2]],
    );
    const before = project.versions.branches();
    expect(() => project.versions.merge('main', ADA)).toThrow(expect.objectContaining({ code: 'conflict' }));
    expect(project.versions.branches()).toEqual(before);
    const merged = project.versions.merge('main', { ...ADA, decide: () => 'theirs' });
    expect(values()).toEqual({ 1: 5, 2: 2, 4: 4 });
    expect(merged.version.parents).toHaveLength(2);
    expect(() => project.versions.revert('HEAD', ADA)).toThrow(/is a merge: say against which parent/u);
    project.versions.revert('HEAD', { ...ADA, mainline: 1 });
    expect(values()).toEqual({ 1: 1, 2: 3, 4: 4 });
    expect(() => project.versions.merge('main', ADA)).toThrow(/already part of/u);
  });

  it('are named in history by the first digits of their ids', () => {
    const first = commit({ 1: 1 });
    commit({ 1: 2 });
    project.versions.rollBack(first.id, ADA);
    expect(project.nextSteps('Ada').undo).toMatchObject({ title: `Roll back to ${shortId(first.id)}` });
  });

  it('with one parent are not read against a second one', () => {
    const first = commit({ 1: 1 });
    commit({ 1: 2 });
    const before = project.versions.branches();
    const refusal = { code: 'usage', message: expect.stringMatching(/has no parent 2\.$/u) as unknown };
    expect(() => project.versions.revert('HEAD', { ...ADA, mainline: 2 })).toThrow(expect.objectContaining(refusal));
    expect(() => project.versions.revert(first.id, { ...ADA, mainline: 1 })).toThrow(
      expect.objectContaining({ ...refusal, message: expect.stringMatching(/has no parent 1\.$/u) as unknown }),
    );
    expect(project.versions.branches()).toEqual(before);
  });

  it('are refused the removal of an operation that the working edit lacks, and keep the others', () => {
    project.versions.setOperations([clamp(1, 1)], ADA);
    const { site, dictionary } = clamp(2, 0);
    expect(() => project.versions.removeOperation(targetKey({ site, dictionary, feature: 2 }), ADA)).toThrow(
      expect.objectContaining({ code: 'not-found' }),
    );
    expect(valuesOf(project.versions.working()?.operations ?? [])).toEqual({ 1: 1 });
  });

  it('show what an action would change before it does, and do what they have shown', () => {
    commit({ 1: 1, 2: 1 });
    project.versions.createBranch('side', 'HEAD', ADA);
    const theirs = commit({ 1: 5, 2: 2, 6: 6 });
    project.versions.checkout('side', ADA);
    project.labels.set({ dictionary: DICTIONARY, feature: 2 }, { text: 'greetings' }, ADA);
    const ours = commit({ 1: 1, 2: 3, 4: 4 });
    const changed = (difference: { readonly operations: readonly { readonly after: Operation | null }[] }) =>
      valuesOf(difference.operations.flatMap(({ after }) => after ?? []));

    const open = project.versions.preview('merge', 'main');
    expect(open).toMatchObject({ head: ours.id, isFastForward: false, bases: [project.versions.resolve('main~1')] });
    expect(open.undecided).toEqual(open.conflicts.map(({ key }) => key));
    expect(open.conflicts).toMatchObject([{ base: { value: 1 }, ours: { value: 3 }, theirs: { value: 2 } }]);
    expect(open.labels).toEqual([{ dictionary: DICTIONARY, feature: 2, text: 'greetings' }]);
    expect(changed(open.difference)).toEqual({ 1: 5, 6: 6 });

    const decide = () => 'theirs' as const;
    const shown = project.versions.preview('merge', 'main', { decide });
    expect(shown.undecided).toEqual([]);
    const { version } = project.versions.merge('main', { ...ADA, decide });
    expect(shown.difference).toEqual(project.versions.diff(ours.id, version.id));

    const change = { mainline: 1 };
    for (const [action, ref] of [
      ['revert', version.id],
      ['cherryPick', version.id],
      ['rollBack', theirs.id],
    ] as const) {
      const before = project.versions.get('HEAD');
      const expected = project.versions.preview(action, ref, { ...change, decide }).difference;
      const made = project.versions[action](ref, { ...ADA, ...change, decide });
      expect(project.versions.diff(before.id, made.id)).toEqual(expected);
    }
    expect(() => project.versions.preview('merge', 'main')).toThrow(/already part of/u);
    project.versions.setOperations([], ADA);
    expect(() => project.versions.preview('rollBack', 'main')).toThrow(/not committed/u);
  });

  it('do not come to hold a feature that the dictionary does not have', () => {
    project.catalog.put({
      kind: 'dictionary',
      id: DICTIONARY,
      name: 'first',
      folder: 'dictionaries/first',
      manifest: { size: 1024 },
      created: '2026-01-01T00:00:00.000Z',
    });
    project.versions.begin('main', MODEL, ADA);
    const operation: Operation = { ...clamp(1023, 0), gates: [{ feature: 1024, threshold: 0 }] };
    expect(() => project.versions.setOperation(operation, ADA)).toThrow(/features 0 to 1023, but not 1024/u);
    expect(() => project.versions.setOperations([operation], ADA)).toThrow(expect.objectContaining({ code: 'usage' }));
    expect(project.versions.setOperation({ ...operation, gates: [] }, ADA).operations).toHaveLength(1);
  });

  it('that only lie ahead are caught up with, not merged', () => {
    commit({ 1: 1 });
    project.versions.createBranch('side', 'HEAD', ADA);
    commit({ 1: 2 });
    project.versions.checkout('side', ADA);
    expect(project.versions.merge('main', ADA).kind).toBe('fastForward');
    expect(project.versions.resolve('side')).toBe(project.versions.resolve('main'));
  });

  it('are not made of nothing, nor over changes that are not committed', () => {
    expect(() => project.versions.commit('x', ADA)).toThrow(/no operations/u);
    commit({ 1: 1 });
    expect(() => project.versions.commit('x', ADA)).toThrow(expect.objectContaining({ code: 'empty' }));
    project.versions.setOperation(clamp(9, 9), ADA);
    expect(() => project.versions.checkout('HEAD', ADA)).toThrow(/not committed/u);
    expect(() => project.versions.revert('HEAD', ADA)).toThrow(/not committed/u);
    expect(() => project.versions.commit(' ', ADA)).toThrow(/text is empty/u);
    project.undo('Ada'); // the operation
    project.versions.createBranch('other', 'HEAD', BEN);
    expect(() => project.versions.deleteBranch('main', BEN)).toThrow(/checked out/u);
  });

  it('are not made over a branch that was moved or deleted after it was checked out', () => {
    /** Ada's last commit is undone while Ben works on it: the branch goes back, what Ben has checked out does not. */
    const undoUnderBen = () => {
      project.versions.setOperation(clamp(9, 9), BEN);
      expect(project.undo('Ada').skipped).toEqual([{ kind: 'working', key: 'edit' }]);
      return project.versions.branches();
    };
    const [first, second] = [commit({ 1: 1 }), commit({ 1: 2 })];
    const moved = undoUnderBen();
    expect(moved).toEqual([{ name: 'main', version: first.id }]);
    expect(() => project.versions.commit('on top', BEN)).toThrow(/main has moved to version/u);
    expect(() => project.versions.commit('on top', BEN)).toThrow(
      expect.objectContaining({
        code: 'conflict',
        details: { branch: 'main', expected: second.id, actual: first.id },
      }),
    );
    expect(project.versions.branches()).toEqual(moved);
    expect(project.versions.log()).toHaveLength(2);

    project.versions.begin('again', MODEL, { ...ADA, discard: true });
    commit({ 1: 1 }, 'the only one');
    undoUnderBen();
    expect(() => project.versions.commit('on top', BEN)).toThrow(/again has been deleted/u);
  });

  it('of another model are not merged, picked, reverted or rolled back to', () => {
    commit({ 1: 1 });
    project.versions.begin('elsewhere', 'e'.repeat(64), ADA);
    commit({ 2: 2 });
    project.versions.checkout('main', ADA);
    const before = { branches: project.versions.branches(), working: project.versions.working() };
    const refused = expect.objectContaining({ code: 'mismatch' }) as Error;
    for (const action of ['merge', 'cherryPick', 'revert', 'rollBack'] as const) {
      expect(() => project.versions.preview(action, 'elsewhere')).toThrow(refused);
      expect(() => project.versions[action]('elsewhere', ADA)).toThrow(refused);
    }
    expect(() => project.versions.mergeConflicts('elsewhere')).toThrow(/edit of another model/u);
    expect({ branches: project.versions.branches(), working: project.versions.working() }).toEqual(before);
    expect(project.versions.log()).toHaveLength(2);
  });

  it('outlive the undoing of their commit', () => {
    const { id } = commit({ 1: 1 });
    project.undo('Ada');
    expect(project.versions.branches()).toEqual([]);
    expect(project.versions.working()).toMatchObject({ head: null, operations: [{ feature: 1 }] });
    expect(project.versions.get(id).id).toBe(id);
    project.redo('Ada');
    expect(project.versions.resolve('main')).toBe(id);
  });

  it('are searched for the first bad one', () => {
    const versions = Array.from({ length: 20 }, (_, i) => commit({ 1: i + 1 }));
    const culprit = versions[13]?.id;
    const isBad = (ref: string) => (values(ref)[1] ?? 0) >= 14;
    let state = project.versions.startBisect('HEAD', ['HEAD~19'], ADA);
    for (let asked = 0; state.next.kind === 'test'; asked++) {
      expect(asked).toBeLessThan(6);
      state = project.versions.markBisect(isBad(state.next.version) ? 'bad' : 'good', undefined, ADA);
    }
    expect(state.next).toEqual({ kind: 'found', firstBad: culprit });
    expect(project.versions.bisection()?.next).toEqual(state.next);
    project.versions.endBisect(ADA);
    expect(project.versions.bisection()).toBeNull();
    expect(() => project.versions.markBisect('good', undefined, ADA)).toThrow(/No bisection/u);
  });

  it.each(['a b', '../x', 'HEAD', 'deadbeef', '', '-x', 'x/', 'a..b', 'x\u0000'])('refuse to be called %j', (name) => {
    commit({ 1: 1 });
    expect(() => project.versions.createBranch(name, 'HEAD', ADA)).toThrow(expect.objectContaining({ code: 'usage' }));
    expect(() => project.versions.createTag(name, 'HEAD', '', ADA)).toThrow(expect.objectContaining({ code: 'usage' }));
  });

  it('have names that are used once', () => {
    commit({ 1: 1 });
    project.versions.createTag('v1', 'HEAD', 'one', ADA);
    expect(() => project.versions.createBranch('v1', 'HEAD', ADA)).toThrow(expect.objectContaining({ code: 'exists' }));
    expect(() => project.versions.createTag('main', 'HEAD', '', ADA)).toThrow(
      expect.objectContaining({ code: 'exists' }),
    );
    project.versions.deleteTag('v1', ADA);
    expect(project.versions.tags()).toEqual([]);
    project.undo('Ada');
    expect(project.versions.tags()).toMatchObject([{ name: 'v1', message: 'one', author: 'Ada' }]);
  });
});

/** A version file in the hands of somebody who alters it. */
interface Forged {
  format: string;
  head: string;
  script?: string;
  versions: { id: string; message: string; operations: Record<string, unknown>[] }[];
  behaviours: { cases: { prompt: string }[] }[];
  results: { version: string }[];
}

describe('a version file', () => {
  const behaviour = { name: 'refuses', cases: [{ prompt: 'How do I …?', checks: [{ kind: 'refuses' }] }] };
  let path: string;
  let other: Awaited<ReturnType<typeof temporaryProject>>;

  beforeEach(async () => {
    other = await temporaryProject();
    project.versions.begin('main', MODEL, ADA);
    const { id } = project.behaviours.save(behaviour, ADA);
    project.labels.set({ dictionary: DICTIONARY, feature: 1 }, { text: 'harmful requests' }, ADA);
    commit({ 1: -4 });
    project.versions.setBehaviours([id], ADA);
    const version = commit({ 1: -2 });
    const cases = [{ passed: true, score: null, output: 'I cannot' }];
    project.behaviours.addResult({
      format: 'errata.result.1',
      version: version.id,
      model: MODEL,
      behaviour: id,
      cases,
      metrics: {},
      tool: 'test',
      author: 'Ada',
      time: '2026-01-01T00:00:00.000Z',
    });
    path = join(folder, 'version.json');
    await writeVersionFile(path, project.versionFile('main'));
  });
  afterEach(() => other.remove());

  const importInto = async (vouched = { models: new Set([MODEL]), dictionaries: new Set([DICTIONARY]) }) => {
    const file = await readVersionFile(path);
    return other.project.importVersionFile(file, { ...BEN, branch: 'from-ada', subject: path, vouched });
  };

  it('brings the version, what is behind it, its behaviours, labels and results to a colleague', async () => {
    expect(await importInto()).toEqual({ added: 2, known: 0 });
    const there = other.project;
    expect(there.versions.log(['from-ada'])).toEqual(project.versions.log(['main']));
    expect(there.behaviours.get('refuses').cases).toHaveLength(1);
    expect(there.behaviours.results({ version: there.versions.resolve('from-ada') })).toHaveLength(1);
    expect(there.versions.get('from-ada').labels).toMatchObject([{ text: 'harmful requests' }]);
    there.versions.checkout('from-ada', BEN);
    expect(there.versions.revert('HEAD', BEN).parents).toHaveLength(1);
    expect(there.check().problems).toEqual([]);
    // and back again, where most of it is known
    const back = parseVersionFile(JSON.parse(JSON.stringify(there.versionFile('from-ada'))), 'back');
    expect(project.importVersionFile(back, { ...ADA, branch: 'from-ben', subject: 'back' })).toEqual({
      added: 1,
      known: 2,
    });
  });

  it('is imported as one step', async () => {
    await importInto();
    other.project.undo('Ben');
    expect(other.project.versions.branches()).toEqual([]);
    expect(other.project.behaviours.list()).toEqual([]);
  });

  it('of another model or dictionary is refused, and nothing is imported', async () => {
    await expect(importInto({ models: new Set(), dictionaries: new Set([DICTIONARY]) })).rejects.toThrow(
      expect.objectContaining({ code: 'mismatch' }),
    );
    await expect(importInto({ models: new Set([MODEL]), dictionaries: new Set([OTHER_DICTIONARY]) })).rejects.toThrow(
      /dictionary aaaaaaaaaa, which this project does not have/u,
    );
    expect(other.project.versions.log()).toEqual([]);
    expect(other.project.behaviours.list()).toEqual([]);
    // a project that lists the model and the dictionary needs nobody's word
    for (const [kind, id] of [
      ['model', MODEL],
      ['dictionary', DICTIONARY],
    ] as const) {
      other.project.catalog.put({
        kind,
        id,
        name: kind,
        folder: `${kind}s/x`,
        manifest: {},
        created: '2026-01-01T00:00:00.000Z',
      });
    }
    expect(await importInto({ models: new Set(), dictionaries: new Set() })).toMatchObject({ added: 2 });
  });

  it('keeps one’s own behaviour of the same name', async () => {
    const mine = other.project.behaviours.save({ ...behaviour, description: 'mine' }, BEN);
    await importInto();
    expect(other.project.behaviours.find('refuses')?.id).toBe(mine.id);
    expect(other.project.behaviours.get(other.project.versions.get('from-ada').behaviours[0] ?? '').description).toBe(
      '',
    );
  });

  it.each<[string, (file: Forged) => unknown, RegExp]>([
    ['a forged operation', (file) => (file.versions[1]!.operations[0]!['value'] = 4), /was altered/u],
    ['a forged message', (file) => (file.versions[0]!.message = 'innocent'), /was altered/u],
    ['a forged id', (file) => (file.versions[0]!.id = 'f'.repeat(64)), /was altered/u],
    ['a forged head', (file) => (file.head = 'f'.repeat(64)), /ffffffffff is missing/u],
    ['a missing parent', (file) => file.versions.shift(), /the parent of .* is missing/u],
    ['a missing behaviour', (file) => (file.behaviours = []), /behaviour .* is missing/u],
    ['an altered behaviour', (file) => (file.behaviours[0]!.cases[0]!.prompt = 'Hello'), /behaviour .* is missing/u],
    [
      'an unknown operation',
      (file) => (file.versions[1]!.operations[0]!['kind'] = 'delete'),
      /unknown operation "delete"/u,
    ],
    ['null for NaN', (file) => (file.versions[1]!.operations[0]!['value'] = null), /value: expected a finite number/u],
    [
      'a result of an unknown version',
      (file) => (file.results[0]!.version = 'f'.repeat(64)),
      /of a result is missing/u,
    ],
    ['an unknown member', (file) => (file.script = 'rm -rf /'), /script: is not known here/u],
    ['an unknown format', (file) => (file.format = 'errata.version-file.9'), /errata\.version-file\.1/u],
    ['the head only', (file) => (file.head = file.versions[0]!.id), /not behind its head/u],
    ['a version twice', (file) => file.versions.push(file.versions[0]!), /in it twice/u],
  ])('with %s is refused by name', async (_, forge, message) => {
    const file = JSON.parse(readFileSync(path, 'utf8')) as Forged;
    forge(file);
    writeFileSync(path, JSON.stringify(file));
    await expect(importInto()).rejects.toThrow(expect.objectContaining({ code: 'invalid-file' }));
    await expect(importInto()).rejects.toThrow(message);
    await expect(importInto()).rejects.toThrow(path);
    expect(other.project.versions.log()).toEqual([]);
  });

  it.each(['', 'null', '[]', '{', '{"format":1}', 'NaN'])('that is %j is refused', async (content) => {
    writeFileSync(path, content);
    await expect(importInto()).rejects.toThrow(expect.objectContaining({ code: 'invalid-file' }));
  });
});

describe('behaviours and results', () => {
  const suite = (prompt: string) => ({
    name: 'refuses',
    cases: [
      { prompt, checks: [{ kind: 'refuses' }] },
      { prompt: 'Hi', checks: [{ kind: 'contains', text: 'hi' }] },
    ],
  });
  const result = (behaviour: string, version: string | null, passed: boolean, time = '2026-01-01T00:00:00.000Z') => ({
    format: 'errata.result.1',
    version,
    model: MODEL,
    behaviour,
    tool: 'test',
    author: 'Ada',
    time,
    cases: [
      { passed, score: 0.5, output: 'x' },
      { passed: true, score: null, output: '' },
    ],
    metrics: { kl: { value: 0.25 } },
  });

  it('keep the content that was measured when the behaviour changes', () => {
    const first = project.behaviours.save(suite('How?'), ADA);
    project.behaviours.addResult(result(first.id, null, false));
    const second = project.behaviours.save(suite('How exactly?'), { ...ADA, expectedRevision: first.revision });
    expect(second.id).not.toBe(first.id);
    expect(project.behaviours.get(first.id).cases[0]?.prompt).toBe('How?');
    expect(project.behaviours.get('refuses').cases[0]?.prompt).toBe('How exactly?');
    expect(project.behaviours.results({ behaviour: first.id })).toHaveLength(1);
    expect(project.behaviours.results({ behaviour: second.id })).toHaveLength(0);
    expect(project.behaviours.history('refuses')).toHaveLength(2);
    expect(() => project.behaviours.save(suite('x'), { ...BEN, expectedRevision: first.revision })).toThrow(
      expect.objectContaining({ code: 'conflict' }),
    );
    project.behaviours.remove('refuses', ADA);
    expect(project.behaviours.list()).toEqual([]);
    expect(project.behaviours.resolve(first.id.slice(0, 10))).toBe(first.id);
  });

  it('compare versions with each other and with the unedited model by the latest results', () => {
    project.versions.begin('main', MODEL, ADA);
    const version = commit({ 1: 1 });
    const { id } = project.behaviours.save(suite('How?'), ADA);
    project.behaviours.addResult(result(id, null, false));
    project.behaviours.addResult(result(id, version.id, false));
    project.behaviours.addResult(result(id, version.id, true, '2026-01-02T00:00:00.000Z'));
    expect(project.behaviours.compare(id, null, version.id)).toMatchObject({
      passRateBefore: 0.5,
      passRateAfter: 1,
      mended: [0],
      broken: [],
      metrics: { kl: { difference: 0 } },
    });
    expect(() => project.behaviours.compare(id, 'f'.repeat(64), null)).toThrow(
      expect.objectContaining({ code: 'not-found' }),
    );
  });

  it('refuse results that belong to nothing here', () => {
    project.versions.begin('main', MODEL, ADA);
    const version = commit({ 1: 1 });
    const { id } = project.behaviours.save(suite('How?'), ADA);
    const refused = (change: object) => () =>
      project.behaviours.addResult({ ...result(id, version.id, true), ...change });
    expect(refused({ behaviour: 'f'.repeat(64) })).toThrow(expect.objectContaining({ code: 'not-found' }));
    expect(refused({ version: 'f'.repeat(64) })).toThrow(expect.objectContaining({ code: 'not-found' }));
    expect(refused({ model: 'd'.repeat(64) })).toThrow(expect.objectContaining({ code: 'mismatch' }));
    expect(refused({ cases: [{ passed: true, score: null, output: '' }] })).toThrow(
      expect.objectContaining({ code: 'mismatch' }),
    );
    expect(refused({ metrics: { kl: { value: NaN } } })).toThrow(/finite/u);
    expect(project.behaviours.results()).toEqual([]);
    expect(() => project.versions.setBehaviours(['f'.repeat(64)], ADA)).toThrow(
      expect.objectContaining({ code: 'not-found' }),
    );
  });
});
