// Versions of edits, and the working edit that becomes the next one. Versions are facts: added, never changed or deleted.
// What moves (branches, tags, the working edit) moves in undoable steps. Every command here is one transaction.
import { AppError, toAppError } from '../../contract/base/errors.ts';
import { hashSchema, paragraphSchema } from '../../contract/base/fields.ts';
import { validate } from '../../contract/base/validate.ts';
import { canonicalJson } from '../../core/edits/canonical.ts';
import {
  canonicalOperations,
  featuresOf,
  operationsSchema,
  parseEdit,
  targetKey,
  type Operation,
} from '../../core/edits/edit.ts';
import {
  labelKey,
  labelledFeatures,
  makeVersion,
  shortId,
  VERSION_FORMAT,
  type FeatureLabel,
  type Version,
  type VersionContent,
} from '../../core/edits/version.ts';
import {
  bisectStep,
  logOrder,
  markVersion,
  startBisect,
  type BisectMarks,
  type BisectStep,
  type Verdict,
  type VersionGraph,
} from '../../core/edits/versionHistory.ts';
import {
  diffVersions,
  resolveConflicts,
  type MergeConflict,
  type Resolution,
  type VersionDifference,
} from '../../core/edits/versionMerge.ts';
import { planChange, planMerge, planRollBack, type Plan } from '../../core/edits/versionPlan.ts';
import type { Change, ChangeLog } from '../changes.ts';
import type { Database } from '../database.ts';
import { checkFeature } from '../entities/featureIds.ts';
import { checkAuthor, type Authorship, type LabelStore } from '../entities/labels.ts';
import { allBranches, allTags, newName, refuseTaken, versionNamed, type Branch, type VersionTag } from './refs.ts';
import { WORKING, workingAt, type WorkingEdit } from './workingEdit.ts';

export interface Decide {
  /** For each conflict a side; undefined leaves it open, and the command is refused with `conflict`. */
  readonly decide?: ((conflict: MergeConflict) => Resolution | undefined) | undefined;
  /** Of a version with two parents: against which one (1 or 2) its change is read. */
  readonly mainline?: number | undefined;
}

export type MergeOutcome =
  | { readonly kind: 'merged'; readonly version: Version }
  /** The branch had nothing of its own: it now points at the other's version. */
  | { readonly kind: 'fastForward'; readonly version: Version };

export type PlannedAction = 'merge' | 'revert' | 'cherryPick' | 'rollBack';

export interface Preview extends Pick<Plan, 'bases' | 'isFastForward' | 'conflicts'> {
  /** The version at hand. */
  readonly head: string;
  /** Keys of the conflicts for which no side was chosen. */
  readonly undecided: readonly string[];
  /** From the version at hand to what would be made. */
  readonly difference: VersionDifference;
  /** Of all features that are shown, as they read now. */
  readonly labels: readonly FeatureLabel[];
}

export interface BisectState {
  readonly marks: BisectMarks;
  readonly next: BisectStep;
}

const REVERT = 'Revert';

export class VersionStore {
  readonly #database: Database;
  readonly #log: ChangeLog;
  readonly #labels: LabelStore;
  readonly #now: () => string;

  constructor(database: Database, log: ChangeLog, labels: LabelStore, now: () => string) {
    this.#database = database;
    this.#log = log;
    this.#labels = labels;
    this.#now = now;
  }

  // --- the working edit ---

  /** Null: none was begun. */
  working(): WorkingEdit | null {
    const row = this.#database.query<[], { state: string }>('SELECT state FROM working_edit').get();
    return row === undefined ? null : (JSON.parse(row.state) as WorkingEdit); // written by `workingEntity`
  }

  /** Begins an edit of a model on a new branch. @throws AppError `exists`, `conflict` when there is uncommitted work. */
  begin(branch: string, model: string, write: Authorship & { readonly discard?: boolean | undefined }): WorkingEdit {
    const name = newName('branch', branch);
    const state: WorkingEdit = {
      branch: name,
      head: null,
      model: validate(hashSchema, model, 'The model'),
      operations: [],
      behaviours: [],
      bisect: null,
    };
    this.#step(`Begin the edit ${name}`, write, (change) => {
      this.#refuseUncommitted(write.discard);
      refuseTaken(this.#database, 'branch', name);
      change('working', WORKING, state);
    });
    return state;
  }

  /** Puts an operation in the working edit, in place of one at the same feature and site. */
  setOperation(operation: Operation, write: Authorship): WorkingEdit {
    const [checked] = parseEdit({ operations: [operation] }, 'The operation').operations;
    if (checked === undefined) throw new AppError('internal', 'The operation was lost.');
    const key = targetKey(checked);
    this.#checkFeatures([checked]);
    return this.#changeWorking(`Set ${checked.kind} on feature ${checked.feature}`, write, (working) => ({
      ...working,
      operations: validate(
        operationsSchema,
        [...working.operations.filter((other) => targetKey(other) !== key), checked],
        'The edit',
      ),
    }));
  }

  /** @throws AppError('not-found') when the working edit has no such operation. */
  removeOperation(key: string, write: Authorship): WorkingEdit {
    return this.#changeWorking('Remove an operation', write, (working) => {
      const operations = working.operations.filter((operation) => targetKey(operation) !== key);
      if (operations.length === working.operations.length)
        throw new AppError('not-found', 'The working edit has no such operation.');
      return { ...working, operations };
    });
  }

  setOperations(operations: readonly Operation[], write: Authorship): WorkingEdit {
    const edit = parseEdit({ operations });
    this.#checkFeatures(edit.operations);
    return this.#changeWorking('Change the operations', write, (working) => ({
      ...working,
      operations: edit.operations,
    }));
  }

  /** @throws AppError('usage') for a feature that its dictionary is known not to have. */
  #checkFeatures(operations: readonly Operation[]): void {
    for (const operation of operations) {
      for (const feature of featuresOf(operation)) {
        checkFeature(this.#database, { dictionary: operation.dictionary, feature });
      }
    }
  }

  /** The behaviours that the next version must satisfy, by id. @throws AppError('not-found') for one that is not stored. */
  setBehaviours(ids: readonly string[], write: Authorship): WorkingEdit {
    const behaviours = [...new Set(ids)].sort();
    return this.#changeWorking('Change the behaviours of the edit', write, (working) => {
      for (const id of behaviours) this.#requireBehaviour(id);
      return { ...working, behaviours };
    });
  }

  /** What the next commit would change; null before an edit was begun. */
  pending(): VersionDifference | null {
    const working = this.working();
    return working === null
      ? null
      : diffVersions(this.#headContent(working), { ...working, labels: this.#labelsOf(working.operations) });
  }

  // --- versions ---

  /**
   * Makes the working edit a version and moves its branch there.
   * @throws AppError `empty` when nothing was changed; `conflict` when the branch has been moved by somebody else.
   */
  commit(message: string, write: Authorship): Version {
    return this.#step('Commit', write, (change, author) => {
      const working = this.#requireWorking();
      const { operations, behaviours } = this.#headContent(working);
      if (
        working.head !== null &&
        canonicalJson([operations, behaviours]) === canonicalJson([working.operations, working.behaviours])
      ) {
        throw new AppError('empty', `Nothing was changed since version ${shortId(working.head)}.`);
      }
      if (working.head === null && working.operations.length === 0)
        throw new AppError('empty', 'The edit has no operations.');
      return this.#commit(change, working, working.head === null ? [] : [working.head], working, message, author);
    });
  }

  /** @throws AppError('not-found'). */
  get(ref: string): Version {
    return this.#byId(this.resolve(ref));
  }

  /**
   * The id that a name stands for: `HEAD`, a branch, a tag, an id or the first four or more digits of one; each followed
   * by any of `~N` (N steps along first parents) and `^N` (the Nth parent).
   * @throws AppError `not-found`, `usage` for digits that several versions begin with.
   */
  resolve(ref: string): string {
    const match = /^(?<name>[^~^]{1,100})(?<steps>(?:[~^]\d{0,4}){0,20})$/u.exec(ref);
    if (match?.groups === undefined)
      throw new AppError('usage', `${JSON.stringify(ref.slice(0, 100))} does not name a version.`);
    let id = this.#named(match.groups['name'] ?? '');
    for (const [, kind, digits] of (match.groups['steps'] ?? '').matchAll(/([~^])(\d*)/gu)) {
      const number = digits === '' ? 1 : Number(digits);
      const hops = kind === '~' ? Array.from({ length: number }, () => 0) : number === 0 ? [] : [number - 1];
      for (const hop of hops) {
        const parent = this.#byId(id).parents[hop];
        if (parent === undefined) throw new AppError('not-found', `${ref}: version ${shortId(id)} has no such parent.`);
        id = parent;
      }
    }
    return id;
  }

  /** Newest first, a version before its parents. Without `from`: everything there is, reachable by a name or not. */
  log(from?: readonly string[]): readonly Version[] {
    const graph = this.graph();
    return logOrder(graph, from === undefined ? [...graph.keys()] : from.map((ref) => this.resolve(ref))).map((id) =>
      this.#byId(id),
    );
  }

  graph(): VersionGraph {
    const graph = new Map<string, { parents: string[]; time: string }>();
    for (const { id, time } of this.#database
      .query<[], { id: string; time: string }>('SELECT id, time FROM versions')
      .all()) {
      graph.set(id, { parents: [], time });
    }
    const rows = this.#database
      .query<[], { version: string; parent: string }>(
        'SELECT version, parent FROM version_parents ORDER BY version, position',
      )
      .all();
    for (const { version, parent } of rows) graph.get(version)?.parents.push(parent);
    return graph;
  }

  diff(before: string, after: string): VersionDifference {
    return diffVersions(this.get(before), this.get(after));
  }

  /**
   * Makes `ref` the working edit: a branch is followed by later commits, any other version is not.
   * @throws AppError('conflict') when the working edit holds uncommitted changes, unless they are to be discarded (undo brings them back).
   */
  checkout(ref: string, write: Authorship & { readonly discard?: boolean | undefined }): WorkingEdit {
    return this.#step(`Check out ${ref.slice(0, 100)}`, write, (change) => {
      this.#refuseUncommitted(write.discard);
      const version = this.get(ref);
      const branch = versionNamed(this.#database, 'branch', ref) === null ? null : ref;
      const state = workingAt(branch, version, this.working()?.bisect ?? null);
      change('working', WORKING, state);
      return state;
    });
  }

  /** Adds a version that takes back what `ref` changed. @throws AppError `conflict`, `empty`, `mismatch`. */
  revert(ref: string, write: Authorship & Decide): Version {
    return this.#apply('revert', ref, write, (version) =>
      version.message.startsWith(`${REVERT} "`)
        ? `Reapply ${version.message.slice(REVERT.length + 1)}`
        : `${REVERT} "${firstLine(version.message)}"\n\nTakes back version ${version.id}.`,
    );
  }

  /** Adds a version with what `ref` changed, made anew on the working edit's head. */
  cherryPick(ref: string, write: Authorship & Decide): Version {
    return this.#apply('cherryPick', ref, write, (version) =>
      `${version.message}\n\nPicked from version ${version.id}.`.slice(-10_000),
    );
  }

  /** Adds a version whose operations and behaviours are those of `ref`: back to it, with nothing deleted. */
  rollBack(ref: string, write: Authorship): Version {
    return this.#step(`Roll back to ${ref.slice(0, 100)}`, write, (change, author) => {
      const { working, head } = this.#requireClean();
      const version = this.#sameModel(this.get(ref), working.model);
      return this.#commitChanged(
        change,
        working,
        [head.id],
        head,
        version,
        `Roll back to "${firstLine(version.message)}"\n\nVersion ${version.id}.`,
        author,
      );
    });
  }

  /** Merges `ref` into the working edit's branch. @throws AppError `conflict` naming the features, `empty` when there is nothing to merge, `mismatch`. */
  merge(
    ref: string,
    write: Authorship & Pick<Decide, 'decide'> & { readonly message?: string | undefined },
  ): MergeOutcome {
    return this.#step(`Merge ${ref.slice(0, 100)}`, write, (change, author) => {
      const { working, head, version: theirs, plan } = this.#plan('merge', ref);
      if (plan.isFastForward) {
        this.#moveBranch(change, working, theirs.id);
        change('working', WORKING, workingAt(working.branch, theirs, working.bisect));
        return { kind: 'fastForward', version: theirs };
      }
      const message =
        write.message ??
        `Merge ${versionNamed(this.#database, 'branch', ref) === null ? `version ${shortId(theirs.id)}` : ref}`;
      const merged = decided(plan, write.decide);
      return { kind: 'merged', version: this.#commit(change, working, [head.id, theirs.id], merged, message, author) };
    });
  }

  /** What a merge of `ref` would find, without doing it. */
  mergeConflicts(ref: string): readonly MergeConflict[] {
    try {
      return this.#plan('merge', ref).plan.conflicts;
    } catch (thrown) {
      if (toAppError(thrown).code === 'empty') return [];
      throw thrown;
    }
  }

  /**
   * What an action would change in the version at hand, without doing it. Conflicts that are not decided stay as they are here.
   * @throws AppError as the action itself does, but for `conflict` of features, and `empty` where it would change nothing.
   */
  preview(action: PlannedAction, ref: string, { decide, mainline }: Decide = {}): Preview {
    const { head, plan } = this.#plan(action, ref, mainline);
    const undecided = plan.conflicts.filter((conflict) => decide?.(conflict) === undefined);
    const content = decided(plan, (conflict) => decide?.(conflict) ?? 'ours');
    const labels = this.#labelsOf(content.operations);
    const seen = [
      ...plan.conflicts.flatMap(({ base, ours, theirs }) => [base ?? null, ours, theirs]),
      ...head.operations,
    ].filter((operation) => operation !== null);
    return {
      head: head.id,
      bases: plan.bases,
      isFastForward: plan.isFastForward,
      conflicts: plan.conflicts,
      undecided: undecided.map(({ key }) => key),
      difference: diffVersions(head, { ...content, labels }),
      labels: [...new Map([...labels, ...this.#labelsOf(seen)].map((label) => [labelKey(label), label])).values()],
    };
  }

  // --- names ---

  branches(): readonly Branch[] {
    return allBranches(this.#database);
  }

  /** Makes a branch at `ref` without checking it out. */
  createBranch(name: string, ref: string, write: Authorship): Branch {
    const checked = newName('branch', name);
    return this.#step(`Make the branch ${checked}`, write, (change) => {
      refuseTaken(this.#database, 'branch', checked);
      const version = this.resolve(ref);
      change('branch', checked, { version });
      return { name: checked, version };
    });
  }

  /** Its versions stay. @throws AppError `not-found`, `usage` for the branch that is checked out. */
  deleteBranch(name: string, write: Authorship): void {
    this.#step(`Delete the branch ${name.slice(0, 100)}`, write, (change) => {
      if (this.working()?.branch === name) throw new AppError('usage', `The branch ${name} is checked out.`);
      if (change('branch', name, null) === null)
        throw new AppError('not-found', `There is no branch ${JSON.stringify(name.slice(0, 100))}.`);
    });
  }

  tags(): readonly VersionTag[] {
    return allTags(this.#database);
  }

  createTag(name: string, ref: string, message: string, write: Authorship): VersionTag {
    const checked = newName('tag', name);
    const text = validate(paragraphSchema(10_000), message, 'The message');
    return this.#step(`Tag ${checked}`, write, (change, author) => {
      refuseTaken(this.#database, 'tag', checked);
      const tag = { version: this.resolve(ref), message: text, author, time: this.#now() };
      change('tag', checked, tag);
      return { name: checked, ...tag };
    });
  }

  deleteTag(name: string, write: Authorship): void {
    this.#step(`Delete the tag ${name.slice(0, 100)}`, write, (change) => {
      if (change('tag', name, null) === null)
        throw new AppError('not-found', `There is no tag ${JSON.stringify(name.slice(0, 100))}.`);
    });
  }

  // --- bisection ---

  /** Begins the search for the first bad version between `good` ones and a `bad` one. */
  startBisect(bad: string, good: readonly string[], write: Authorship): BisectState {
    return this.#step('Begin a bisection', write, (change) => {
      const marks = startBisect(
        this.graph(),
        this.resolve(bad),
        good.map((ref) => this.resolve(ref)),
      );
      change('working', WORKING, { ...this.#requireWorking(), bisect: marks });
      return { marks, next: bisectStep(this.graph(), marks) };
    });
  }

  /** Null: no bisection is under way. */
  bisection(): BisectState | null {
    const marks = this.working()?.bisect ?? null;
    return marks === null ? null : { marks, next: bisectStep(this.graph(), marks) };
  }

  /** Says how a version is: by default the one that the bisection asks about. */
  markBisect(verdict: Verdict, ref: string | undefined, write: Authorship): BisectState {
    return this.#step(`Mark a version ${verdict}`, write, (change) => {
      const current = this.bisection();
      if (current === null) throw new AppError('usage', 'No bisection is under way.');
      if (ref === undefined && current.next.kind !== 'test')
        throw new AppError('usage', 'The bisection is at its end.');
      const version =
        ref === undefined && current.next.kind === 'test' ? current.next.version : this.resolve(ref ?? '');
      const marks = markVersion(current.marks, version, verdict);
      const next = bisectStep(this.graph(), marks); // refuses marks that contradict each other
      change('working', WORKING, { ...this.#requireWorking(), bisect: marks });
      return { marks, next };
    });
  }

  endBisect(write: Authorship): void {
    this.#step(
      'End the bisection',
      write,
      (change) => void change('working', WORKING, { ...this.#requireWorking(), bisect: null }),
    );
  }

  // --- for version files ---

  /** Stores a version that was verified, within a step. Its parents are stored before it. */
  insert(version: Version): boolean {
    if (this.#database.query<[string], object>('SELECT 1 FROM versions WHERE id = ?').get(version.id) !== undefined)
      return false;
    const { id, edit, ...content } = version;
    this.#database
      .query<string[]>(
        'INSERT INTO versions (id, content, edit, model, author, time, message) VALUES (?, ?, ?, ?, ?, ?, ?)',
      )
      .run(id, canonicalJson(content), edit, version.model, version.author, version.time, version.message);
    for (const [position, parent] of version.parents.entries()) {
      this.#database
        .query<[string, number, string]>('INSERT INTO version_parents (version, position, parent) VALUES (?, ?, ?)')
        .run(id, position, parent);
    }
    return true;
  }

  // --- inside ---

  #step<T>(title: string, write: Authorship, work: (change: Change, author: string) => T): T {
    const author = checkAuthor(write.author);
    return this.#log.step({ title, author, reason: write.reason }, (change) => work(change, author));
  }

  #changeWorking(title: string, write: Authorship, edit: (working: WorkingEdit) => WorkingEdit): WorkingEdit {
    return this.#step(title, write, (change) => {
      const state = edit(this.#requireWorking());
      change('working', WORKING, state);
      return state;
    });
  }

  #requireWorking(): WorkingEdit {
    const working = this.working();
    if (working === null) throw new AppError('not-found', 'No edit was begun yet.');
    return working;
  }

  #headContent(working: WorkingEdit): Pick<VersionContent, 'operations' | 'behaviours' | 'labels'> {
    return working.head === null ? { operations: [], behaviours: [], labels: [] } : this.#byId(working.head);
  }

  #requireClean(): { working: WorkingEdit; head: Version } {
    const working = this.#requireWorking();
    this.#refuseUncommitted(false);
    if (working.head === null) throw new AppError('usage', 'The edit has no version yet: commit it first.');
    return { working, head: this.#byId(working.head) };
  }

  #refuseUncommitted(discard: boolean | undefined): void {
    const working = this.working();
    if (discard === true || working === null) return;
    const { operations, behaviours } = this.#headContent(working);
    if (canonicalJson([operations, behaviours]) === canonicalJson([working.operations, working.behaviours])) return;
    throw new AppError('conflict', 'The working edit holds changes that are not committed: commit or discard them.');
  }

  #plan(
    action: PlannedAction,
    ref: string,
    mainline?: number,
  ): { readonly working: WorkingEdit; readonly head: Version; readonly version: Version; readonly plan: Plan } {
    const { working, head } = this.#requireClean();
    const version = this.#sameModel(this.get(ref), working.model);
    const history = { graph: this.graph(), get: (id: string) => this.#byId(id) };
    switch (action) {
      case 'merge':
        return { working, head, version, plan: planMerge(history, head, version) };
      case 'rollBack':
        return { working, head, version, plan: planRollBack(version) };
      case 'revert':
      case 'cherryPick': {
        const isTakenBack = action === 'revert';
        return { working, head, version, plan: planChange(history, head, version, { isTakenBack, mainline }) };
      }
    }
  }

  #apply(
    action: 'revert' | 'cherryPick',
    ref: string,
    write: Authorship & Decide,
    message: (version: Version) => string,
  ): Version {
    const title = action === 'revert' ? 'Revert' : 'Pick';
    return this.#step(`${title} ${ref.slice(0, 100)}`, write, (change, author) => {
      const { working, head, version, plan } = this.#plan(action, ref, write.mainline);
      const content = decided(plan, write.decide);
      return this.#commitChanged(change, working, [head.id], head, content, message(version), author);
    });
  }

  #commitChanged(
    change: Change,
    working: WorkingEdit,
    parents: readonly string[],
    head: Version,
    content: Pick<Version, 'operations' | 'behaviours'>,
    message: string,
    author: string,
  ): Version {
    if (
      canonicalJson([head.operations, head.behaviours]) ===
      canonicalJson([canonicalOperations(content.operations), content.behaviours])
    ) {
      throw new AppError('empty', `That would change nothing: version ${shortId(head.id)} is like that already.`);
    }
    return this.#commit(change, working, parents, content, message, author);
  }

  #commit(
    change: Change,
    working: WorkingEdit,
    parents: readonly string[],
    { operations, behaviours }: Pick<VersionContent, 'operations' | 'behaviours'>,
    message: string,
    author: string,
  ): Version {
    const version = makeVersion({
      format: VERSION_FORMAT,
      parents,
      model: working.model,
      operations,
      behaviours,
      labels: this.#labelsOf(operations),
      message,
      author,
      time: this.#now(),
    });
    this.insert(version);
    this.#moveBranch(change, working, version.id);
    change('working', WORKING, workingAt(working.branch, version, working.bisect));
    return version;
  }

  #moveBranch(change: Change, working: WorkingEdit, version: string): void {
    if (working.branch === null) return;
    const at = versionNamed(this.#database, 'branch', working.branch);
    if (at !== working.head) {
      throw new AppError(
        'conflict',
        at === null
          ? `The branch ${working.branch} has been deleted. Nothing was changed.`
          : `The branch ${working.branch} has moved to version ${shortId(at)} since it was checked out. Nothing was changed.`,
        { details: { branch: working.branch, expected: working.head, actual: at } },
      );
    }
    change('branch', working.branch, { version });
  }

  #labelsOf(operations: readonly Operation[]): readonly FeatureLabel[] {
    return labelledFeatures(operations).flatMap((key) => {
      const text = this.#labels.get(key)?.text ?? '';
      return text === '' ? [] : [{ ...key, text }];
    });
  }

  #sameModel(version: Version, model: string): Version {
    if (version.model === model) return version;
    throw new AppError(
      'mismatch',
      `Version ${shortId(version.id)} is an edit of another model (${shortId(version.model)}, not ${shortId(model)}).`,
      {
        details: { version: version.id, model: version.model, expected: model },
      },
    );
  }

  #requireBehaviour(id: string): void {
    if (this.#database.query<[string], object>('SELECT 1 FROM behaviour_contents WHERE id = ?').get(id) !== undefined)
      return;
    throw new AppError('not-found', `There is no behaviour ${shortId(id)} in this project.`);
  }

  #byId(id: string): Version {
    const row = this.#database
      .query<[string], { content: string; edit: string }>('SELECT content, edit FROM versions WHERE id = ?')
      .get(id);
    if (row === undefined) throw new AppError('not-found', `There is no version ${shortId(id)}.`);
    return { ...(JSON.parse(row.content) as VersionContent), id, edit: row.edit }; // written by `insert`
  }

  #named(name: string): string {
    const head = name === 'HEAD' || name === '@' ? this.#requireWorking().head : undefined;
    if (head === null) throw new AppError('not-found', 'The edit has no version yet.');
    const id = head ?? versionNamed(this.#database, 'branch', name) ?? versionNamed(this.#database, 'tag', name);
    if (id !== null) return id;
    if (/^[0-9a-f]{4,64}$/u.test(name)) {
      const rows = this.#database
        .query<[string, string], { id: string }>('SELECT id FROM versions WHERE id >= ? AND id <= ? LIMIT 3')
        .all(name, `${name}g`);
      if (rows.length > 1) throw new AppError('usage', `Several versions begin with ${name}: give more digits.`);
      if (rows[0] !== undefined) return rows[0].id;
    }
    throw new AppError('not-found', `There is no version, branch or tag ${JSON.stringify(name)}.`);
  }
}

/** @throws AppError('conflict') naming the features still undecided. */
function decided(plan: Plan, decide: Decide['decide']): Pick<Version, 'operations' | 'behaviours'> {
  return { operations: resolveConflicts(plan, decide ?? (() => undefined)), behaviours: plan.behaviours };
}

function firstLine(message: string): string {
  return (message.split('\n', 1)[0] ?? '').slice(0, 200);
}
