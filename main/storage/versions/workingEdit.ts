// The working edit of a project: what is checked out and what has been changed in it since. It becomes the next version.
// Every change of it is one undoable step.
import { AppError } from '../../contract/base/errors.ts';
import { hashSchema } from '../../contract/base/fields.ts';
import { validate } from '../../contract/base/validate.ts';
import { canonicalJson } from '../../core/edits/canonical.ts';
import { featuresOf, operationsSchema, parseEdit, targetKey } from '../../contract/domain/edit.ts';
import type { Operation } from '../../contract/domain/operations/index.ts';
import type { VersionDifference } from '../../contract/domain/versionDifference.ts';
import {
  labelledFeatures,
  shortId,
  type FeatureLabel,
  type Version,
  type VersionContent,
} from '../../core/edits/version.ts';
import type { BisectMarks } from '../../contract/domain/bisection.ts';
import { diffVersions } from '../../core/edits/versionMerge.ts';
import type { Authorship } from '../authorship.ts';
import type { Change, Entity } from '../changes.ts';
import type { Database } from '../database.ts';
import { checkFeature } from '../entities/featureIds.ts';
import type { VersionContext } from './context.ts';
import { newName, refuseTaken } from './names.ts';

/** What is checked out, with what has been changed in it since. */
export interface WorkingEdit {
  /** Null: no branch; commits then move only the working edit. */
  readonly branch: string | null;
  /** The version it started from; null before the first commit. */
  readonly head: string | null;
  readonly model: string;
  readonly operations: readonly Operation[];
  /** Ids of the behaviours that the next version must satisfy. */
  readonly behaviours: readonly string[];
  readonly bisect: BisectMarks | null;
}

/** One key: there is one working edit in a project. */
const WORKING = 'edit';

export function workingEntity(database: Database): Entity {
  return {
    kind: 'working',
    read: (key) => (key === WORKING ? readWorking(database) : null),
    write(_key, state, revision) {
      database.execute('DELETE FROM working_edit');
      if (state === null) return;
      database
        .query<[string, number]>('INSERT INTO working_edit (id, state, revision) VALUES (1, ?, ?)')
        .run(canonicalJson(state), revision);
    },
    keys: () => (database.query<[], object>('SELECT 1 FROM working_edit').get() === undefined ? [] : [WORKING]),
  };
}

/** Null: no edit was begun. */
export function readWorking(database: Database): WorkingEdit | null {
  const row = database.query<[], { state: string }>('SELECT state FROM working_edit').get();
  return row === undefined ? null : (JSON.parse(row.state) as WorkingEdit); // written by `workingEntity`
}

/** @throws AppError('not-found') before an edit was begun. */
export function requireWorking({ database }: VersionContext): WorkingEdit {
  const working = readWorking(database);
  if (working === null) throw new AppError('not-found', 'No edit was begun yet.');
  return working;
}

/** Within a step. */
export function setWorking<State extends WorkingEdit>(change: Change, state: State): State {
  change('working', WORKING, state);
  return state;
}

/** Within a step: `version` as the working edit, with nothing changed in it. */
export function workOn(
  change: Change,
  version: Version,
  { branch, bisect }: Pick<WorkingEdit, 'branch' | 'bisect'>,
): WorkingEdit {
  return setWorking(change, {
    branch,
    head: version.id,
    model: version.model,
    operations: version.operations,
    behaviours: version.behaviours,
    bisect,
  });
}

/** What the working edit started from. */
function headContent(
  { records }: VersionContext,
  { head }: WorkingEdit,
): Pick<VersionContent, 'operations' | 'behaviours' | 'labels'> {
  return head === null ? { operations: [], behaviours: [], labels: [] } : records.byId(head);
}

export function isUnchanged(context: VersionContext, working: WorkingEdit): boolean {
  const { operations, behaviours } = headContent(context, working);
  return canonicalJson([operations, behaviours]) === canonicalJson([working.operations, working.behaviours]);
}

/** @throws AppError('conflict') when the working edit holds uncommitted changes, unless they are to be discarded. */
export function refuseUncommitted(context: VersionContext, discard: boolean | undefined): void {
  const working = readWorking(context.database);
  if (discard === true || working === null || isUnchanged(context, working)) return;
  throw new AppError('conflict', 'The working edit holds changes that are not committed: commit or discard them.');
}

/** The working edit, which holds nothing uncommitted, and its version. @throws AppError `not-found`, `conflict`, `usage`. */
export function requireClean(context: VersionContext): { readonly working: WorkingEdit; readonly head: Version } {
  const working = requireWorking(context);
  refuseUncommitted(context, false);
  if (working.head === null) throw new AppError('usage', 'The edit has no version yet: commit it first.');
  return { working, head: context.records.byId(working.head) };
}

/** Of the features that the operations name, as they read now. */
export function labelsOf({ labels }: VersionContext, operations: readonly Operation[]): readonly FeatureLabel[] {
  return labelledFeatures(operations).flatMap((key) => {
    const text = labels.get(key)?.text ?? '';
    return text === '' ? [] : [{ ...key, text }];
  });
}

export function workingEdits(context: VersionContext) {
  const { database, step } = context;

  const change = (title: string, write: Authorship, edit: (working: WorkingEdit) => WorkingEdit): WorkingEdit =>
    step(title, write, (set) => setWorking(set, edit(requireWorking(context))));

  /** @throws AppError('usage') for a feature that its dictionary is known not to have. */
  const checkFeatures = (operations: readonly Operation[]): void => {
    for (const operation of operations) {
      for (const feature of featuresOf(operation)) {
        checkFeature(database, { dictionary: operation.dictionary, feature });
      }
    }
  };

  const requireBehaviour = (id: string): void => {
    if (database.query<[string], object>('SELECT 1 FROM behaviour_contents WHERE id = ?').get(id) !== undefined) return;
    throw new AppError('not-found', `There is no behaviour ${shortId(id)} in this project.`);
  };

  return {
    /** Null: none was begun. */
    working: (): WorkingEdit | null => readWorking(database),

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
      return step(`Begin the edit ${name}`, write, (set) => {
        refuseUncommitted(context, write.discard);
        refuseTaken(database, 'branch', name);
        return setWorking(set, state);
      });
    },

    /** Puts an operation in the working edit, in place of one at the same feature and site. */
    setOperation(operation: Operation, write: Authorship): WorkingEdit {
      const [checked] = parseEdit({ operations: [operation] }, 'The operation').operations;
      if (checked === undefined) throw new AppError('internal', 'The operation was lost.');
      const key = targetKey(checked);
      checkFeatures([checked]);
      return change(`Set ${checked.kind} on feature ${checked.feature}`, write, (working) => ({
        ...working,
        operations: validate(
          operationsSchema,
          [...working.operations.filter((other) => targetKey(other) !== key), checked],
          'The edit',
        ),
      }));
    },

    /** @throws AppError('not-found') when the working edit has no such operation. */
    removeOperation(key: string, write: Authorship): WorkingEdit {
      return change('Remove an operation', write, (working) => {
        const operations = working.operations.filter((operation) => targetKey(operation) !== key);
        if (operations.length === working.operations.length)
          throw new AppError('not-found', 'The working edit has no such operation.');
        return { ...working, operations };
      });
    },

    setOperations(operations: readonly Operation[], write: Authorship): WorkingEdit {
      const edit = parseEdit({ operations });
      checkFeatures(edit.operations);
      return change('Change the operations', write, (working) => ({ ...working, operations: edit.operations }));
    },

    /** The behaviours that the next version must satisfy, by id. @throws AppError('not-found') for one that is not stored. */
    setBehaviours(ids: readonly string[], write: Authorship): WorkingEdit {
      const behaviours = [...new Set(ids)].sort();
      return change('Change the behaviours of the edit', write, (working) => {
        for (const id of behaviours) requireBehaviour(id);
        return { ...working, behaviours };
      });
    },

    /** What the next commit would change; null before an edit was begun. */
    pending(): VersionDifference | null {
      const working = readWorking(database);
      if (working === null) return null;
      return diffVersions(headContent(context, working), {
        ...working,
        labels: labelsOf(context, working.operations),
      });
    },
  };
}
