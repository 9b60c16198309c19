// Versions made out of others: merge, revert, cherry-pick, roll back. What a preview shows is what the command does: both are
// made from one plan (core/edits/versionPlan.ts). Nothing is applied across models.
import { AppError, toAppError } from '../../contract/base/errors.ts';
import { canonicalJson } from '../../core/edits/canonical.ts';
import { canonicalOperations } from '../../contract/domain/edit.ts';
import type { VersionDifference } from '../../contract/domain/versionDifference.ts';
import { labelKey, shortId, type FeatureLabel, type Version } from '../../core/edits/version.ts';
import { diffVersions, resolveConflicts, type MergeConflict, type Resolution } from '../../core/edits/versionMerge.ts';
import { planChange, planMerge, planRollBack, type History, type Plan } from '../../core/edits/versionPlan.ts';
import type { Authorship } from '../authorship.ts';
import { addVersion, advance, versionAt } from './commits.ts';
import type { VersionContext } from './context.ts';
import { refText, versionNamed } from './names.ts';
import { labelsOf, requireClean, type WorkingEdit } from './workingEdit.ts';

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

interface Planned {
  readonly working: WorkingEdit;
  readonly head: Version;
  readonly version: Version;
  readonly plan: Plan;
}

/** How each action makes its plan of the version at hand and the one that was named. */
const PLANS: Readonly<
  Record<PlannedAction, (history: History, head: Version, version: Version, mainline: number | undefined) => Plan>
> = {
  merge: planMerge,
  rollBack: (_history, _head, version) => planRollBack(version),
  revert: (history, head, version, mainline) => planChange(history, head, version, { isTakenBack: true, mainline }),
  cherryPick: (history, head, version, mainline) =>
    planChange(history, head, version, { isTakenBack: false, mainline }),
};

const REVERT = 'Revert';

export function merges(context: VersionContext) {
  const { database, records, step } = context;

  const planFor = (action: PlannedAction, ref: string, mainline?: number): Planned => {
    const { working, head } = requireClean(context);
    const version = sameModel(versionAt(context, ref), working.model);
    const history: History = { graph: records.graph(), get: (id) => records.byId(id) };
    return { working, head, version, plan: PLANS[action](history, head, version, mainline) };
  };

  /** Adds the version that the action makes, unless it would be like the one at hand. */
  const apply = (
    action: Exclude<PlannedAction, 'merge'>,
    ref: string,
    write: Authorship & Decide,
    { title, message }: { readonly title: string; readonly message: (version: Version) => string },
  ): Version =>
    step(`${title} ${refText(ref)}`, write, (change, author) => {
      const { working, head, version, plan } = planFor(action, ref, write.mainline);
      const content = decided(plan, write.decide);
      if (
        canonicalJson([head.operations, head.behaviours]) ===
        canonicalJson([canonicalOperations(content.operations), content.behaviours])
      ) {
        throw new AppError('empty', `That would change nothing: version ${shortId(head.id)} is like that already.`);
      }
      return addVersion(context, change, { working, parents: [head.id], content, message: message(version), author });
    });

  return {
    /** Merges `ref` into the working edit's branch. @throws AppError `conflict` naming the features, `empty` when there is nothing to merge, `mismatch`. */
    merge(
      ref: string,
      write: Authorship & Pick<Decide, 'decide'> & { readonly message?: string | undefined },
    ): MergeOutcome {
      return step(`Merge ${refText(ref)}`, write, (change, author) => {
        const { working, head, version: theirs, plan } = planFor('merge', ref);
        if (plan.isFastForward) {
          advance(context, change, working, theirs);
          return { kind: 'fastForward', version: theirs };
        }
        const isBranch = versionNamed(database, 'branch', ref) !== null;
        const message = write.message ?? `Merge ${isBranch ? ref : `version ${shortId(theirs.id)}`}`;
        const parents = [head.id, theirs.id];
        const content = decided(plan, write.decide);
        const version = addVersion(context, change, { working, parents, content, message, author });
        return { kind: 'merged', version };
      });
    },

    /** Adds a version that takes back what `ref` changed. @throws AppError `conflict`, `empty`, `mismatch`. */
    revert: (ref: string, write: Authorship & Decide): Version =>
      apply('revert', ref, write, {
        title: 'Revert',
        message: (version) =>
          version.message.startsWith(`${REVERT} "`)
            ? `Reapply ${version.message.slice(REVERT.length + 1)}`
            : `${REVERT} "${firstLine(version.message)}"\n\nUndoes version ${version.id}.`,
      }),

    /** Adds a version with what `ref` changed, applied to the working edit's head. @throws AppError `conflict`, `empty`, `mismatch`. */
    cherryPick: (ref: string, write: Authorship & Decide): Version =>
      apply('cherryPick', ref, write, {
        title: 'Pick',
        message: (version) => `${version.message}\n\nPicked from version ${version.id}.`.slice(-10_000),
      }),

    /** Adds a version whose operations and behaviours are those of `ref`: back to it, with nothing deleted. */
    rollBack: (ref: string, write: Authorship): Version =>
      apply('rollBack', ref, write, {
        title: 'Roll back to',
        message: (version) => `Roll back to "${firstLine(version.message)}"\n\nVersion ${version.id}.`,
      }),

    /** What a merge of `ref` would find, without doing it. */
    mergeConflicts(ref: string): readonly MergeConflict[] {
      try {
        return planFor('merge', ref).plan.conflicts;
      } catch (thrown) {
        if (toAppError(thrown).code === 'empty') return [];
        throw thrown;
      }
    },

    /**
     * What an action would change in the version at hand, without doing it. Conflicts that are not decided stay as they are here.
     * @throws AppError as the action itself does, but for `conflict` of features, and `empty` where it would change nothing.
     */
    preview(action: PlannedAction, ref: string, { decide, mainline }: Decide = {}): Preview {
      const { head, plan } = planFor(action, ref, mainline);
      const undecided = plan.conflicts.filter((conflict) => decide?.(conflict) === undefined);
      const content = decided(plan, (conflict) => decide?.(conflict) ?? 'ours');
      const labels = labelsOf(context, content.operations);
      const seen = [
        ...plan.conflicts.flatMap(({ base, ours, theirs }) => [base ?? null, ours, theirs]),
        ...head.operations,
      ].filter((operation) => operation !== null);
      const shown = [...labels, ...labelsOf(context, seen)];
      return {
        head: head.id,
        bases: plan.bases,
        isFastForward: plan.isFastForward,
        conflicts: plan.conflicts,
        undecided: undecided.map(({ key }) => key),
        difference: diffVersions(head, { ...content, labels }),
        labels: [...new Map(shown.map((label) => [labelKey(label), label])).values()],
      };
    },
  };
}

/** @throws AppError('mismatch') for a version that edits another model: its operations would be applied to other weights. */
function sameModel(version: Version, model: string): Version {
  if (version.model === model) return version;
  throw new AppError(
    'mismatch',
    `Version ${shortId(version.id)} is an edit of another model (${shortId(version.model)}, not ${shortId(model)}).`,
    { details: { version: version.id, model: version.model, expected: model } },
  );
}

/** @throws AppError('conflict') naming the features still undecided. */
function decided(plan: Plan, decide: Decide['decide']): Pick<Version, 'operations' | 'behaviours'> {
  return { operations: resolveConflicts(plan, decide ?? (() => undefined)), behaviours: plan.behaviours };
}

function firstLine(message: string): string {
  return (message.split('\n', 1)[0] ?? '').slice(0, 200);
}
