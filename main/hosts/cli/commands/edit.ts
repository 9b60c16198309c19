// The working edit: begun, changed, committed, another version checked out.
import { AppError, toAppError } from '../../../contract/base/errors.ts';
import { percent } from '../../../contract/base/figures.ts';
import { editFromArguments } from '../../../core/edits/editArguments.ts';
import { targetKey } from '../../../contract/domain/edit.ts';
import type { Operation } from '../../../contract/domain/operations/index.ts';
import { shortId } from '../../../core/edits/version.ts';
import type { Project } from '../../../storage/project/project.ts';
import { describeOperations } from '../../../workbench/playground.ts';
import type { Command, CommandArguments, Option } from '../command.ts';
import { OPERATION_HELP, WHERE_OPTIONS } from '../editOptions.ts';
import { describe, isEmpty, namesByVersion, printDifference, printVersion } from '../editText.ts';
import {
  AUTHOR_OPTIONS,
  authorOf,
  DICTIONARY_OPTION,
  dictionaryEntry,
  dictionaryHash,
  hashOf,
  withProject,
  withProjectToRead,
} from '../openProject.ts';
import { flag, given, optionalText, positionals, requiredText, texts } from '../values.ts';
import { editBisect } from './editBisect.ts';
import { editChangeCommands } from './editChange.ts';
import { editFileCommands } from './editFile.ts';
import { editHistoryCommands } from './editHistory.ts';

const DISCARD_OPTION: Readonly<Record<string, Option>> = {
  discard: { type: 'boolean', description: 'Leave uncommitted changes behind; errata undo brings them back.' },
};

const editNew: Command = {
  name: 'edit new',
  summary: 'Start an edit of a model, on a branch of its own.',
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
      context.print(`Started ${name}. errata edit op adds operations, errata edit commit makes a version of them.`);
      return { working };
    }),
};

const editOp: Command = {
  name: 'edit op',
  summary: 'Put operations into the working edit, or take them out.',
  usage: `edit op OPERATION … [--scope SCOPE] [--gate F>T …] | edit op --remove FEATURE …\nOPERATION: ${OPERATION_HELP}`,
  examples: ['edit op ablate:12 clamp:7:-3 --gate "90>0.5" --scope notBos', 'edit op --remove 12'],
  options: {
    ...DICTIONARY_OPTION,
    site: { type: 'string', description: "The site; the dictionary's own when left out." },
    ...WHERE_OPTIONS,
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
    withProjectToRead(context, async (project) => {
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
      const known = await describeOperations({ project }, working).catch((thrown: unknown) => {
        const { code } = toAppError(thrown);
        if (code === 'not-found') return null; // its model is not in the project: the operations are listed as they are
        throw thrown;
      });
      for (const [index, operation] of working.operations.entries()) {
        const { badge = null, problem = null } = known?.operations[index] ?? {};
        context.print(`  ${describe(operation)}${badge === null ? '' : `  ${badge}`}`);
        if (problem !== null) context.print(`    ${problem}`);
      }
      for (const { feature, label, rate } of known?.features ?? []) {
        const facts = [
          ...(label === '' ? [] : [`"${label}"`]),
          ...(rate === null ? [] : [`fires on ${percent(rate)}`]),
        ];
        if (facts.length > 0) context.print(`  #${feature}  ${facts.join(', ')}`);
      }
      context.print(isEmpty(pending) ? 'Nothing to commit.' : 'Not committed:');
      printDifference(pending, context);
      return { working, pending, known };
    }),
};

const editCommit: Command = {
  name: 'edit commit',
  summary: 'Make the working edit a version.',
  usage: 'edit commit --message TEXT',
  options: { message: { type: 'string', short: 'm', description: 'What the version is for.' }, ...AUTHOR_OPTIONS },
  run: (arguments_, context) =>
    withProject(context, (project) => {
      positionals(arguments_, [], 'edit commit');
      const version = project.versions.commit(requiredText(arguments_, 'message', 'edit commit'), authorOf(arguments_));
      printVersion(version, namesByVersion(project), context);
      return { version };
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

export const editCommands: readonly Command[] = [
  editNew,
  editOp,
  editRequire,
  editStatus,
  editCommit,
  editCheckout,
  ...editHistoryCommands,
  ...editChangeCommands,
  editBisect,
  ...editFileCommands,
];
