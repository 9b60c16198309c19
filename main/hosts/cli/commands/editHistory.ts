// Looking at versions, and naming them.
import { percent } from '../../../contract/base/figures.ts';
import { versionHeadline } from '../../../contract/domain/headlines.ts';
import { verdictWord } from '../../../contract/domain/verdictWords.ts';
import { AppError } from '../../../contract/base/errors.ts';
import { shortId } from '../../../core/edits/version.ts';
import { passRate } from '../../../core/behaviours/behaviourResult.ts';
import { versionLog } from '../../../workbench/edit.ts';
import type { Command } from '../command.ts';
import { describe, isEmpty, namesByVersion, printDifference, printVersion } from '../editText.ts';
import { AUTHOR_OPTIONS, authorOf, shortTime, withProject, withProjectToRead } from '../openProject.ts';
import { flag, optionalNumber, optionalText } from '../values.ts';

const REF = 'A VERSION is an id or its first digits, a branch, a tag or HEAD, with ~N for N steps back.';

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
      const versions = versionLog(
        { project },
        {
          ...(refs.length > 0 && !flag(arguments_, 'all') ? { from: [...refs] } : {}),
          all: flag(arguments_, 'all'),
          limit: optionalNumber(arguments_, 'limit', { min: 1, integer: true }) ?? Number.MAX_SAFE_INTEGER,
        },
      );
      const names = namesByVersion(project);
      for (const version of versions) {
        const [latest] = project.evaluations.list({ edit: version.edit });
        printVersion(version, names, context, latest && verdictWord(latest.passes).word);
      }
      if (versions.length === 0) context.print('No versions yet.');
      return { versions };
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
      const latest = project.evaluations.list({ edit: version.edit }).find(({ model }) => model === version.model);
      const headline = versionHeadline(version.operations, latest ? project.evaluations.get(latest.id).report : null);
      context.print(headline);
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
          `  ${shortId(result.behaviour)}: ${percent(passRate(result))} of ${result.cases.length} cases passed (${shortTime(result.time)})`,
        );
      return { headline, version, results };
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
    message: { type: 'string', short: 'm', description: 'What it marks.' },
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

export const editHistoryCommands: readonly Command[] = [editLog, editShow, editDiff, editBranch, editTag];
