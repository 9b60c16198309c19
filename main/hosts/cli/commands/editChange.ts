// Versions made of other versions: reverted, picked, merged; with their conflicts, and a look beforehand.
import { AppError } from '../../../contract/base/errors.ts';
import type { Version } from '../../../core/edits/version.ts';
import type { MergeConflict, Resolution } from '../../../core/edits/versionMerge.ts';
import type { Project } from '../../../storage/project/project.ts';
import type { PlannedAction } from '../../../storage/versions/merges.ts';
import type { Command, CommandArguments, CommandContext, Option } from '../command.ts';
import { describe, namesByVersion, printDifference, printVersion } from '../editText.ts';
import { AUTHOR_OPTIONS, authorOf, withProject } from '../openProject.ts';
import { flag, optionalNumber, optionalText, positionals, texts } from '../values.ts';

const SIDES = ['ours', 'theirs', 'none'] as const;

const CONFLICT_OPTIONS: Readonly<Record<string, Option>> = {
  side: { type: 'string', description: 'For every feature that both sides changed: ours, theirs or none.' },
  resolve: { type: 'string', multiple: true, description: 'For one feature: 12=ours, 12=theirs or 12=none.' },
};

const MAINLINE_OPTION: Readonly<Record<string, Option>> = {
  mainline: { type: 'string', description: 'Of a merge: against which parent, 1 or 2, its change is read.' },
};

const DRY_RUN_OPTION: Readonly<Record<string, Option>> = {
  'dry-run': {
    type: 'boolean',
    description: 'Only show what would change, and the features that both sides changed differently.',
  },
};

function printPreview(
  project: Project,
  action: PlannedAction,
  ref: string,
  arguments_: CommandArguments,
  context: CommandContext,
): Record<string, unknown> {
  const preview = project.versions.preview(action, ref, {
    ...deciderOf(arguments_),
    mainline: mainlineOf(arguments_),
  });
  for (const { ours, theirs } of preview.conflicts) {
    context.print(
      `ours ${ours === null ? 'nothing' : describe(ours)}; theirs ${theirs === null ? 'nothing' : describe(theirs)}`,
    );
  }
  context.print(`${preview.conflicts.length} conflicts, ${preview.undecided.length} of them undecided.`);
  if (preview.isFastForward) context.print('Nothing of its own to merge: it would move ahead.');
  printDifference(preview.difference, context);
  return { ...preview, dryRun: true };
}

function mainlineOf(arguments_: CommandArguments): number | undefined {
  return optionalNumber(arguments_, 'mainline', { min: 1, max: 2, integer: true });
}

function deciderOf(arguments_: CommandArguments): { decide?: (conflict: MergeConflict) => Resolution | undefined } {
  const sideOf = (word: string | undefined, within: string): Resolution => {
    const side = SIDES.find((each) => each === word);
    if (side === undefined) throw new AppError('usage', `"${within}": choose ours, theirs or none.`);
    return side;
  };
  const all = optionalText(arguments_, 'side');
  const general = all === undefined ? undefined : sideOf(all, `--side ${all}`);
  const single = new Map<number, Resolution>();
  for (const text of texts(arguments_, 'resolve')) {
    const [feature = '', side] = text.split('=');
    if (!/^\d{1,10}$/u.test(feature))
      throw new AppError('usage', `--resolve must be like 12=ours, not "${text.slice(0, 60)}".`);
    single.set(Number(feature), sideOf(side, `--resolve ${text.slice(0, 60)}`));
  }
  if (general === undefined && single.size === 0) return {};
  return { decide: ({ ours, theirs }) => single.get((ours ?? theirs)?.feature ?? -1) ?? general };
}

const editRevert: Command = {
  name: 'edit revert',
  summary: 'Add a version that undoes what another changed; with --to, one with the same operations as it.',
  usage: 'edit revert VERSION | edit revert --to VERSION',
  options: {
    to: {
      type: 'string',
      description: 'Roll back: the new version has the operations of this one. Nothing is deleted.',
    },
    ...MAINLINE_OPTION,
    ...CONFLICT_OPTIONS,
    ...DRY_RUN_OPTION,
    ...AUTHOR_OPTIONS,
  },
  run: (arguments_, context) =>
    withProject(context, (project) => {
      const to = optionalText(arguments_, 'to');
      const write = authorOf(arguments_);
      if (flag(arguments_, 'dry-run')) {
        const [ref] = to === undefined ? positionals(arguments_, ['VERSION'], 'edit revert') : [to];
        return printPreview(project, to === undefined ? 'revert' : 'rollBack', ref, arguments_, context);
      }
      const before = project.versions.get('HEAD');
      let version: Version;
      if (to === undefined) {
        const [ref] = positionals(arguments_, ['VERSION'], 'edit revert');
        version = project.versions.revert(ref, {
          ...write,
          ...deciderOf(arguments_),
          mainline: mainlineOf(arguments_),
        });
      } else {
        positionals(arguments_, [], 'edit revert --to');
        version = project.versions.rollBack(to, write);
      }
      const difference = project.versions.diff(before.id, version.id);
      printVersion(version, namesByVersion(project), context);
      printDifference(difference, context);
      return { version, difference };
    }),
};

const editCherryPick: Command = {
  name: 'edit cherry-pick',
  summary: 'Add a version with what another one changed.',
  usage: 'edit cherry-pick VERSION',
  options: { ...MAINLINE_OPTION, ...CONFLICT_OPTIONS, ...DRY_RUN_OPTION, ...AUTHOR_OPTIONS },
  run: (arguments_, context) =>
    withProject(context, (project) => {
      const [ref] = positionals(arguments_, ['VERSION'], 'edit cherry-pick');
      if (flag(arguments_, 'dry-run')) return printPreview(project, 'cherryPick', ref, arguments_, context);
      const version = project.versions.cherryPick(ref, {
        ...authorOf(arguments_),
        ...deciderOf(arguments_),
        mainline: mainlineOf(arguments_),
      });
      printVersion(version, namesByVersion(project), context);
      return { version };
    }),
};

const editMerge: Command = {
  name: 'edit merge',
  summary: 'Merge another branch or version into the working edit.',
  usage: 'edit merge VERSION [--side SIDE] [--resolve F=SIDE …]',
  examples: ['edit merge side --resolve 12=theirs --resolve 90=none'],
  options: {
    message: { type: 'string', short: 'm', description: 'What the version is for.' },
    ...CONFLICT_OPTIONS,
    ...DRY_RUN_OPTION,
    ...AUTHOR_OPTIONS,
  },
  run: (arguments_, context) =>
    withProject(context, (project) => {
      const [ref] = positionals(arguments_, ['VERSION'], 'edit merge');
      if (flag(arguments_, 'dry-run')) return printPreview(project, 'merge', ref, arguments_, context);
      const conflicts = project.versions.mergeConflicts(ref);
      const outcome = project.versions.merge(ref, {
        ...authorOf(arguments_),
        ...deciderOf(arguments_),
        message: optionalText(arguments_, 'message'),
      });
      if (outcome.kind === 'fastForward') context.print('Nothing of its own to merge: moved ahead.');
      printVersion(outcome.version, namesByVersion(project), context);
      return { ...outcome, conflicts };
    }),
};

export const editChangeCommands: readonly Command[] = [editRevert, editCherryPick, editMerge];
