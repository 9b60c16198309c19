import { AppError } from '../../../contract/errors.ts';
import { editFromArguments } from '../../../edits/editArguments.ts';
import { targetKey, type Operation } from '../../../edits/edit.ts';
import { shortId, type Version } from '../../../edits/version.ts';
import type { BisectStep } from '../../../edits/versionHistory.ts';
import type { LabelledChange, MergeConflict, Resolution, VersionDifference } from '../../../edits/versionMerge.ts';
import { passRate } from '../../../evaluation/behaviourResult.ts';
import type { Project } from '../../../storage/project.ts';
import { readVersionFile, writeVersionFile } from '../../../storage/versionFile.ts';
import type { BisectState } from '../../../storage/versionStore.ts';
import type { Command, CommandArguments, CommandContext, Option } from '../command.ts';
import {
  AUTHOR_OPTIONS,
  authorOf,
  DICTIONARY_OPTION,
  dictionaryEntry,
  dictionaryHash,
  hashOf,
  shortTime,
  withProject,
  withProjectToRead,
} from '../openProject.ts';
import { flag, given, optionalNumber, optionalText, positionals, requiredText, texts } from '../values.ts';

const REF = 'A VERSION is an id or its first digits, a branch, a tag or HEAD, with ~N for N steps back.';
const SIDES = ['ours', 'theirs', 'none'] as const;
const CONFLICT_OPTIONS: Readonly<Record<string, Option>> = {
  side: { type: 'string', description: 'For every feature that both sides changed: ours, theirs or none.' },
  resolve: { type: 'string', multiple: true, description: 'For one feature: 12=ours, 12=theirs or 12=none.' },
};
const MESSAGE_OPTION: Readonly<Record<string, Option>> = {
  message: { type: 'string', short: 'm', description: 'What the version is for.' },
};
const DISCARD_OPTION: Readonly<Record<string, Option>> = {
  discard: { type: 'boolean', description: 'Leave uncommitted changes behind; errata undo brings them back.' },
};
const MAINLINE_OPTION: Readonly<Record<string, Option>> = {
  mainline: { type: 'string', description: 'Of a merge: against which parent, 1 or 2, its change is read.' },
};

/** As it is typed, with what else decides where it acts. */
function describe(operation: Operation): string {
  const amount =
    operation.kind === 'ablate'
      ? ''
      : `:${'factor' in operation ? operation.factor : 'value' in operation ? operation.value : operation.amount}`;
  const { scope, gates } = operation;
  const positions =
    scope.positions === 'all'
      ? ''
      : scope.positions === 'fromFirstFiring'
        ? ` fromFirstFiring:${scope.feature}`
        : ` ${scope.positions}`;
  const open =
    gates.length === 0 ? '' : ` where ${gates.map(({ feature, threshold }) => `${feature}>${threshold}`).join(' or ')}`;
  return `${operation.kind}:${operation.feature}${amount}${positions}${open} at ${operation.site}`;
}

function printChange({ before, after, labelBefore, labelAfter }: LabelledChange, context: CommandContext): void {
  const quoted = (label: string | null) => (label === null ? '' : `  "${label}"`);
  if (before !== null) context.print(`- ${describe(before)}${quoted(labelBefore)}`);
  if (after !== null) context.print(`+ ${describe(after)}${quoted(labelAfter)}`);
}

function printDifference(difference: VersionDifference, context: CommandContext): void {
  for (const change of difference.operations) printChange(change, context);
  for (const id of difference.behavioursRemoved) context.print(`- must satisfy behaviour ${shortId(id)}`);
  for (const id of difference.behavioursAdded) context.print(`+ must satisfy behaviour ${shortId(id)}`);
}

function isEmpty({ operations, behavioursAdded, behavioursRemoved }: VersionDifference): boolean {
  return operations.length + behavioursAdded.length + behavioursRemoved.length === 0;
}

function printVersion(version: Version, names: ReadonlyMap<string, readonly string[]>, context: CommandContext): void {
  const refs = names.get(version.id) ?? [];
  context.print(
    `${shortId(version.id)}${refs.length > 0 ? ` (${refs.join(', ')})` : ''}  ${shortTime(version.time)}  ${version.author}  ${version.message.split('\n', 1)[0] ?? ''}`,
  );
}

/** Branches, tags and HEAD by the version they name. */
function namesByVersion(project: Project): ReadonlyMap<string, readonly string[]> {
  const names = new Map<string, string[]>();
  const add = (version: string, name: string) => names.set(version, [...(names.get(version) ?? []), name]);
  const head = project.versions.working()?.head;
  if (head) add(head, 'HEAD');
  for (const { name, version } of project.versions.branches()) add(version, name);
  for (const { name, version } of project.versions.tags()) add(version, `tag ${name}`);
  return names;
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

const editNew: Command = {
  name: 'edit new',
  summary: 'Begin an edit of a model, on a branch of its own.',
  usage: 'edit new NAME [--model MODEL]',
  examples: ['edit new no-jailbreak --model stories'],
  options: {
    model: {
      type: 'string',
      short: 'm',
      description: 'The model, by name or hash; can be left out when the project has only one.',
    },
    ...DISCARD_OPTION,
    ...AUTHOR_OPTIONS,
  },
  run: (arguments_, context) =>
    withProject(context, (project) => {
      const [name] = positionals(arguments_, ['NAME'], 'edit new');
      const models = project.catalog.list('model');
      const model = optionalText(arguments_, 'model') ?? (models.length === 1 ? models[0]?.id : undefined);
      if (model === undefined)
        throw new AppError(
          'usage',
          `The project has ${models.length === 0 ? 'no model yet' : 'several models'}: name one with --model.`,
        );
      const working = project.versions.begin(name, hashOf(project, 'model', model), {
        ...authorOf(arguments_),
        discard: flag(arguments_, 'discard'),
      });
      context.print(`Begun ${name}. errata edit op adds operations, errata edit commit makes a version of them.`);
      return { working };
    }),
};

const editOp: Command = {
  name: 'edit op',
  summary: 'Put operations into the working edit, or take them out.',
  usage: 'edit op OPERATION … [--scope SCOPE] [--gate F>T …] | edit op --remove FEATURE …',
  examples: ['edit op ablate:12 clamp:7:-3 --gate "90>0.5" --scope notBos', 'edit op --remove 12'],
  options: {
    ...DICTIONARY_OPTION,
    site: { type: 'string', description: "The site; the dictionary's own when left out." },
    scope: { type: 'string', description: 'all (default), notBos, promptOnly, generatedOnly or fromFirstFiring:F.' },
    gate: {
      type: 'string',
      multiple: true,
      description: 'F>T: act only where feature F is above T; several: where any is.',
    },
    remove: { type: 'string', multiple: true, description: 'Take out the operations on this feature.' },
    ...AUTHOR_OPTIONS,
  },
  run: (arguments_, context) =>
    withProject(context, (project) => {
      const write = authorOf(arguments_);
      const removed = texts(arguments_, 'remove');
      if (removed.length === 0 && arguments_.positionals.length === 0)
        throw new AppError('usage', 'errata edit op: write an operation, like ablate:12 or clamp:7:-3.');
      const operations = project.versions.working()?.operations ?? [];
      const kept = operations.filter((operation) => !removed.includes(String(operation.feature)));
      for (const feature of removed) {
        if (!operations.some((operation) => String(operation.feature) === feature))
          throw new AppError('not-found', `The working edit has no operation on feature ${feature.slice(0, 20)}.`);
      }
      const added = arguments_.positionals.length === 0 ? [] : newOperations(project, arguments_);
      const replaced = new Set(added.map(targetKey));
      const working = project.versions.setOperations(
        [...kept.filter((operation) => !replaced.has(targetKey(operation))), ...added],
        write,
      );
      for (const operation of working.operations) context.print(describe(operation));
      return { working };
    }),
};

function newOperations(project: Project, arguments_: CommandArguments): readonly Operation[] {
  const named = optionalText(arguments_, 'dictionary');
  const dictionary = dictionaryHash(project, named);
  const manifest = dictionaryEntry(project, dictionary)?.manifest;
  const own =
    typeof manifest === 'object' && manifest !== null && 'site' in manifest && typeof manifest.site === 'string'
      ? manifest.site
      : undefined;
  const site = optionalText(arguments_, 'site') ?? own;
  if (site === undefined)
    throw new AppError(
      'usage',
      'errata edit op: name the site with --site, since the dictionary is not in the project.',
    );
  const scope = optionalText(arguments_, 'scope');
  return editFromArguments({
    operations: arguments_.positionals,
    dictionary,
    site,
    gates: texts(arguments_, 'gate'),
    ...given('scope', scope),
  }).operations;
}

const editRequire: Command = {
  name: 'edit require',
  summary: 'Say which behaviours the next version must satisfy.',
  usage: 'edit require [BEHAVIOUR …] [--none]',
  options: { none: { type: 'boolean', description: 'None at all.' }, ...AUTHOR_OPTIONS },
  run: (arguments_, context) =>
    withProject(context, (project) => {
      if ((arguments_.positionals.length === 0) !== flag(arguments_, 'none'))
        throw new AppError('usage', 'errata edit require: name behaviours, or say --none.');
      const ids = arguments_.positionals.map((ref) => project.behaviours.resolve(ref));
      const working = project.versions.setBehaviours(ids, authorOf(arguments_));
      context.print(
        working.behaviours.length === 0
          ? 'It must satisfy nothing.'
          : `It must satisfy ${working.behaviours.map(shortId).join(', ')}.`,
      );
      return { working };
    }),
};

const editStatus: Command = {
  name: 'edit status',
  summary: 'Show the working edit and what in it is not committed.',
  usage: 'edit status',
  options: {},
  run: (arguments_, context) =>
    withProjectToRead(context, (project) => {
      positionals(arguments_, [], 'edit status');
      const working = project.versions.working();
      const pending = project.versions.pending();
      if (working === null || pending === null) {
        context.print('No edit was begun yet. errata edit new NAME begins one.');
        return { working: null, pending: null };
      }
      context.print(
        `${working.branch === null ? 'On no branch' : `On the branch ${working.branch}`}, ${working.head === null ? 'no version yet' : `at version ${shortId(working.head)}`}, model ${shortId(working.model)}.`,
      );
      for (const operation of working.operations) context.print(`  ${describe(operation)}`);
      context.print(isEmpty(pending) ? 'Nothing to commit.' : 'Not committed:');
      printDifference(pending, context);
      return { working, pending };
    }),
};

const editCommit: Command = {
  name: 'edit commit',
  summary: 'Make the working edit a version.',
  usage: 'edit commit --message TEXT',
  options: { ...MESSAGE_OPTION, ...AUTHOR_OPTIONS },
  run: (arguments_, context) =>
    withProject(context, (project) => {
      positionals(arguments_, [], 'edit commit');
      const version = project.versions.commit(requiredText(arguments_, 'message', 'edit commit'), authorOf(arguments_));
      printVersion(version, namesByVersion(project), context);
      return { version };
    }),
};

const editLog: Command = {
  name: 'edit log',
  summary: 'List versions, the newest first.',
  usage: 'edit log [VERSION …] [--all]',
  options: {
    all: { type: 'boolean', description: 'Also those that no branch or tag leads to.' },
    limit: { type: 'string', short: 'n', description: 'How many at most.' },
  },
  run: (arguments_, context) =>
    withProjectToRead(context, (project) => {
      const refs = arguments_.positionals;
      const heads = refs.length > 0 ? refs : [...namesByVersion(project).keys()];
      const limit = optionalNumber(arguments_, 'limit', { min: 1, integer: true }) ?? Infinity;
      const versions = project.versions.log(flag(arguments_, 'all') ? undefined : heads).slice(0, limit);
      const names = namesByVersion(project);
      for (const version of versions) printVersion(version, names, context);
      if (versions.length === 0) context.print('No versions yet.');
      return { versions: versions.map((version) => ({ ...version, names: names.get(version.id) ?? [] })) };
    }),
};

const editShow: Command = {
  name: 'edit show',
  summary: 'Show a version: what it changes, why, and how it did.',
  usage: 'edit show [VERSION]',
  examples: ['edit show HEAD~1'],
  options: {},
  run: (arguments_, context) =>
    withProjectToRead(context, (project) => {
      const [ref = 'HEAD', ...rest] = arguments_.positionals;
      if (rest.length > 0) throw new AppError('usage', `errata edit show: one version at a time. ${REF}`);
      const version = project.versions.get(ref);
      const labels = new Map(version.labels.map(({ dictionary, feature, text }) => [`${dictionary} ${feature}`, text]));
      context.print(
        `version ${version.id}\nmodel   ${version.model}\nby      ${version.author}, ${version.time}\n\n${version.message}\n`,
      );
      for (const operation of version.operations) {
        const label = labels.get(`${operation.dictionary} ${operation.feature}`);
        context.print(`  ${describe(operation)}${label === undefined ? '' : `  "${label}"`}`);
      }
      const results = project.behaviours.results({ version: version.id });
      for (const result of results)
        context.print(
          `  ${shortId(result.behaviour)}: ${(100 * passRate(result)).toFixed(1)}% of ${result.cases.length} cases passed (${shortTime(result.time)})`,
        );
      return { version, results };
    }),
};

const editDiff: Command = {
  name: 'edit diff',
  summary: 'What differs between two versions, by feature, with labels as they read then.',
  usage: 'edit diff [BEFORE [AFTER]]',
  examples: ['edit diff main side', 'edit diff HEAD~3 HEAD', 'edit diff'],
  options: {},
  run: (arguments_, context) =>
    withProjectToRead(context, (project) => {
      const [before, after = 'HEAD', ...rest] = arguments_.positionals;
      if (rest.length > 0) throw new AppError('usage', `errata edit diff: two versions at most. ${REF}`);
      const difference = before === undefined ? project.versions.pending() : project.versions.diff(before, after);
      if (difference === null) throw new AppError('not-found', 'No edit was begun yet.');
      printDifference(difference, context);
      if (isEmpty(difference)) context.print('No difference.');
      return { ...difference };
    }),
};

const editCheckout: Command = {
  name: 'edit checkout',
  summary: 'Make a branch or a version the working edit.',
  usage: 'edit checkout VERSION [--discard]',
  options: { ...DISCARD_OPTION, ...AUTHOR_OPTIONS },
  run: (arguments_, context) =>
    withProject(context, (project) => {
      const [ref] = positionals(arguments_, ['VERSION'], 'edit checkout');
      const working = project.versions.checkout(ref, { ...authorOf(arguments_), discard: flag(arguments_, 'discard') });
      context.print(
        working.branch === null
          ? `At version ${shortId(working.head ?? '')}, on no branch.`
          : `On the branch ${working.branch}.`,
      );
      return { working };
    }),
};

const editRevert: Command = {
  name: 'edit revert',
  summary: 'Add a version that takes back what another changed; with --to, one that is like it.',
  usage: 'edit revert VERSION | edit revert --to VERSION',
  options: {
    to: {
      type: 'string',
      description: 'Roll back: the new version has the operations of this one. Nothing is deleted.',
    },
    ...MAINLINE_OPTION,
    ...CONFLICT_OPTIONS,
    ...AUTHOR_OPTIONS,
  },
  run: (arguments_, context) =>
    withProject(context, (project) => {
      const to = optionalText(arguments_, 'to');
      const write = authorOf(arguments_);
      const before = project.versions.get('HEAD');
      let version: Version;
      if (to === undefined) {
        const [ref] = positionals(arguments_, ['VERSION'], 'edit revert');
        version = project.versions.revert(ref, {
          ...write,
          ...deciderOf(arguments_),
          mainline: optionalNumber(arguments_, 'mainline', { min: 1, max: 2, integer: true }),
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
  options: { ...MAINLINE_OPTION, ...CONFLICT_OPTIONS, ...AUTHOR_OPTIONS },
  run: (arguments_, context) =>
    withProject(context, (project) => {
      const [ref] = positionals(arguments_, ['VERSION'], 'edit cherry-pick');
      const mainline = optionalNumber(arguments_, 'mainline', { min: 1, max: 2, integer: true });
      const version = project.versions.cherryPick(ref, { ...authorOf(arguments_), ...deciderOf(arguments_), mainline });
      printVersion(version, namesByVersion(project), context);
      return { version };
    }),
};

const editBranch: Command = {
  name: 'edit branch',
  summary: 'List branches, make one at a version, or delete one.',
  usage: 'edit branch [NAME [VERSION]] | edit branch --delete NAME',
  options: { delete: { type: 'string', description: 'The branch to delete; its versions stay.' }, ...AUTHOR_OPTIONS },
  run: (arguments_, context) =>
    withProject(context, (project) => {
      const deleted = optionalText(arguments_, 'delete');
      const [name, ref = 'HEAD', ...rest] = arguments_.positionals;
      if (rest.length > 0 || (deleted !== undefined && name !== undefined))
        throw new AppError('usage', 'errata edit branch: one name and one version at most.');
      if (deleted !== undefined) project.versions.deleteBranch(deleted, authorOf(arguments_));
      else if (name !== undefined) project.versions.createBranch(name, ref, authorOf(arguments_));
      const branches = project.versions.branches();
      const current = project.versions.working()?.branch;
      for (const branch of branches)
        context.print(`${branch.name === current ? '*' : ' '} ${branch.name}  ${shortId(branch.version)}`);
      return { branches, current: current ?? null };
    }),
};

const editTag: Command = {
  name: 'edit tag',
  summary: 'List tags, tag a version, or delete a tag.',
  usage: 'edit tag [NAME [VERSION]] [--message TEXT] | edit tag --delete NAME',
  options: {
    ...MESSAGE_OPTION,
    delete: { type: 'string', description: 'The tag to delete; its version stays.' },
    ...AUTHOR_OPTIONS,
  },
  run: (arguments_, context) =>
    withProject(context, (project) => {
      const deleted = optionalText(arguments_, 'delete');
      const [name, ref = 'HEAD', ...rest] = arguments_.positionals;
      if (rest.length > 0 || (deleted !== undefined && name !== undefined))
        throw new AppError('usage', 'errata edit tag: one name and one version at most.');
      if (deleted !== undefined) project.versions.deleteTag(deleted, authorOf(arguments_));
      else if (name !== undefined)
        project.versions.createTag(name, ref, optionalText(arguments_, 'message') ?? '', authorOf(arguments_));
      const tags = project.versions.tags();
      for (const tag of tags)
        context.print(`${tag.name}  ${shortId(tag.version)}  ${tag.author}  ${tag.message.split('\n', 1)[0] ?? ''}`);
      return { tags };
    }),
};

const editMerge: Command = {
  name: 'edit merge',
  summary: 'Merge another branch or version into the working edit.',
  usage: 'edit merge VERSION [--side SIDE] [--resolve F=SIDE …]',
  examples: ['edit merge side --resolve 12=theirs --resolve 90=none'],
  options: {
    ...MESSAGE_OPTION,
    ...CONFLICT_OPTIONS,
    'dry-run': { type: 'boolean', description: 'Only list the features that both sides changed differently.' },
    ...AUTHOR_OPTIONS,
  },
  run: (arguments_, context) =>
    withProject(context, (project) => {
      const [ref] = positionals(arguments_, ['VERSION'], 'edit merge');
      const isDryRun = flag(arguments_, 'dry-run');
      const conflicts = project.versions.mergeConflicts(ref);
      for (const { ours, theirs } of isDryRun ? conflicts : []) {
        context.print(
          `ours ${ours === null ? 'nothing' : describe(ours)}; theirs ${theirs === null ? 'nothing' : describe(theirs)}`,
        );
      }
      if (isDryRun) {
        context.print(`${conflicts.length} conflicts.`);
        return { conflicts, dryRun: true };
      }
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

const editBisect: Command = {
  name: 'edit bisect',
  summary: 'Search for the version that broke something.',
  usage:
    'edit bisect start --bad VERSION --good VERSION … | good|bad|skip [VERSION] | status | auto --behaviour B | end',
  examples: ['edit bisect start --bad HEAD --good paper', 'edit bisect good', 'edit bisect auto --behaviour refuses'],
  options: {
    bad: { type: 'string', description: 'A version that is bad.' },
    good: { type: 'string', multiple: true, description: 'A version behind it that is good.' },
    behaviour: {
      type: 'string',
      description: 'With auto: judge versions by their stored results on this behaviour, as far as there are any.',
    },
    'pass-rate': {
      type: 'string',
      description: 'With auto: the share of cases that a good version passes; 1 when left out.',
    },
    ...AUTHOR_OPTIONS,
  },
  run: (arguments_, context) =>
    withProject(context, (project) => {
      const [verb, ref, ...rest] = arguments_.positionals;
      if (rest.length > 0) throw new AppError('usage', 'errata edit bisect: one version at a time.');
      const state = bisectTo(project, arguments_, verb, ref);
      if (state !== null) printStep(state.next, project, context);
      else context.print('No bisection is under way.');
      return { bisection: state };
    }),
};

function bisectTo(
  project: Project,
  arguments_: CommandArguments,
  verb: string | undefined,
  ref: string | undefined,
): BisectState | null {
  const write = authorOf(arguments_);
  switch (verb) {
    case 'start':
      return project.versions.startBisect(
        requiredText(arguments_, 'bad', 'edit bisect start'),
        texts(arguments_, 'good'),
        write,
      );
    case 'good':
    case 'bad':
    case 'skip':
      return project.versions.markBisect(verb, ref, write);
    case 'status':
    case undefined:
      return project.versions.bisection();
    case 'auto':
      return judgeByResults(project, arguments_);
    case 'end':
      project.versions.endBisect(write);
      return null;
    default:
      throw new AppError(
        'usage',
        `errata edit bisect: ${JSON.stringify(verb.slice(0, 40))} is none of start, good, bad, skip, status, auto, end.`,
      );
  }
}

/** Marks versions as long as the one that is asked about has a result. */
function judgeByResults(project: Project, arguments_: CommandArguments): BisectState {
  const behaviour = project.behaviours.resolve(requiredText(arguments_, 'behaviour', 'edit bisect auto'));
  const required = optionalNumber(arguments_, 'pass-rate', { min: 0, max: 1 }) ?? 1;
  let state = project.versions.bisection();
  if (state === null) throw new AppError('usage', 'No bisection is under way: errata edit bisect start begins one.');
  while (state.next.kind === 'test') {
    const [result] = project.behaviours.results({ behaviour, version: state.next.version });
    if (result === undefined) break;
    state = project.versions.markBisect(passRate(result) >= required ? 'good' : 'bad', undefined, authorOf(arguments_));
  }
  return state;
}

function printStep(step: BisectStep, project: Project, context: CommandContext): void {
  if (step.kind === 'test') {
    context.print(
      `Judge version ${shortId(step.version)} (${step.remaining} left, about ${step.steps} more): errata edit bisect good, bad or skip.`,
    );
  } else if (step.kind === 'found') {
    context.print('The first bad version:');
    printVersion(project.versions.get(step.firstBad), namesByVersion(project), context);
  } else
    context.print(`One of these, all skipped or bad, is the first bad one: ${step.candidates.map(shortId).join(', ')}`);
}

const editExport: Command = {
  name: 'edit export',
  summary: 'Write a version, and all that is needed to reproduce it, to one small file.',
  usage: 'edit export VERSION FILE',
  options: {},
  run: (arguments_, context) =>
    withProjectToRead(context, async (project) => {
      const [ref, path] = positionals(arguments_, ['VERSION', 'FILE'], 'edit export');
      const file = project.versionFile(ref);
      await writeVersionFile(path, file);
      context.print(`Wrote version ${shortId(file.head)} with ${file.versions.length - 1} behind it to ${path}.`);
      return {
        path,
        version: file.head,
        versions: file.versions.length,
        behaviours: file.behaviours.length,
        results: file.results.length,
      };
    }),
};

const editImport: Command = {
  name: 'edit import',
  summary: 'Bring in a version file. One of another model or dictionary is refused.',
  usage: 'edit import FILE [--branch NAME]',
  options: {
    branch: { type: 'string', description: 'The branch to make for it; imported-… when left out.' },
    model: {
      type: 'string',
      multiple: true,
      description: 'Hash of a model that you have, though the project does not list it.',
    },
    dictionary: {
      type: 'string',
      short: 'd',
      multiple: true,
      description: 'Hash of a dictionary that you have, likewise.',
    },
    ...AUTHOR_OPTIONS,
  },
  run: (arguments_, context) =>
    withProject(context, async (project) => {
      const [path] = positionals(arguments_, ['FILE'], 'edit import');
      const file = await readVersionFile(path);
      const branch = optionalText(arguments_, 'branch') ?? `imported-${file.head.slice(0, 10)}`;
      const vouched = {
        models: new Set(texts(arguments_, 'model')),
        dictionaries: new Set(texts(arguments_, 'dictionary')),
      };
      const counts = project.importVersionFile(file, { ...authorOf(arguments_), branch, subject: path, vouched });
      context.print(
        `Imported version ${shortId(file.head)} as the branch ${branch}: ${counts.added} versions new, ${counts.known} known.`,
      );
      return { version: file.head, branch, ...counts };
    }),
};

export const editCommands: readonly Command[] = [
  editNew,
  editOp,
  editRequire,
  editStatus,
  editCommit,
  editLog,
  editShow,
  editDiff,
  editCheckout,
  editRevert,
  editCherryPick,
  editBranch,
  editTag,
  editMerge,
  editBisect,
  editExport,
  editImport,
];
