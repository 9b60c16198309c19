import { AppError } from '../../../contract/base/errors.ts';
import { findSettings } from '../../../contract/domain/findSettings.ts';
import { readPromptFile } from '../../../core/finder/promptFile.ts';
import { commitFound, findEdit } from '../../../workbench/findEdit.ts';
import { type FindRequest } from '../../../workbench/findRequest.ts';
import { listFindings } from '../../../workbench/findings.ts';
import { planSearch } from '../../../workbench/findPlan.ts';
import { withWorkbench } from '../../../workbench/openWorkbench.ts';
import { nameFrom } from '../../../workbench/projectFolder.ts';
import type { CommandArguments, ComputeCommand } from '../command.ts';
import { printFindings, printFound } from '../foundText.ts';
import { AUTHOR_OPTION, authorOf } from '../openProject.ts';
import { PLAN_OPTION, printSearchPlan } from '../plans.ts';
import { optionsOfSettings, settingsFrom } from '../settingOptions.ts';
import { flag, given, optionalText, positionals, texts } from '../values.ts';

export const findCommand: ComputeCommand = {
  name: 'find',
  summary:
    'Find the features behind a behaviour by contrast and measured ablation, and the smallest edit that removes it.',
  usage: 'find [BEHAVIOUR | --with FILE --without FILE] --dictionary NAME [--keep BEHAVIOUR …] [--commit BRANCH]',
  examples: [
    'find jailbreak --dictionary first',
    'find jailbreak -d first --keep refusals --keep harmless --commit fix --json',
    'find --with shows.txt --without ordinary.txt -d first',
  ],
  options: {
    dictionary: {
      type: 'string',
      short: 'd',
      multiple: true,
      description: 'Where to look; several are searched together.',
    },
    with: {
      type: 'string',
      description: 'Instead of a behaviour: prompts whose answers show it, in a .txt, .jsonl or .csv.',
    },
    without: { type: 'string', description: 'With it: prompts to which the answers must stay as they are.' },
    keep: { type: 'string', multiple: true, description: 'What must stay; all behaviours to be kept when left out.' },
    corpus: { type: 'string', description: 'Text without the behaviour, which must stay as likely as it is.' },
    name: {
      type: 'string',
      description: 'What the result is called in the project; the behaviour’s name when left out.',
    },
    commit: { type: 'string', description: 'Make what is found the first version of a new branch of this name.' },
    ...optionsOfSettings(findSettings),
    ...PLAN_OPTION,
    list: { type: 'boolean', description: 'Only list what earlier searches in this project have found.' },
    ...AUTHOR_OPTION,
  },
  computesOn: 'any',
  run: (arguments_, context) =>
    withWorkbench(context.projectFolder, { host: 'the command line', compute: context.compute }, async (workbench) => {
      if (flag(arguments_, 'list')) return printFindings(await listFindings(workbench), context);
      const behaviours = await behavioursOf(arguments_);
      const subject = 'target' in behaviours ? behaviours.target : 'prompts';
      const request = {
        name: optionalText(arguments_, 'name') ?? nameFrom(subject),
        behaviours,
        dictionaries: texts(arguments_, 'dictionary'),
        ...given('corpus', optionalText(arguments_, 'corpus')),
        settings: settingsFrom(findSettings, arguments_),
      };
      const plan = await planSearch(workbench, request);
      printSearchPlan(plan, context);
      if (flag(arguments_, 'plan')) return { ...plan };
      const found = await findEdit(workbench, request, context.signal);
      printFound({ ...found, operations: found.edit.operations }, context);
      const branch = optionalText(arguments_, 'commit');
      if (branch === undefined) return { ...found };
      const version = commitFound(workbench, {
        edit: found.edit,
        branch,
        message: `Lower ${subject}`,
        target: 'target' in behaviours ? behaviours.target : null,
        author: authorOf(arguments_).author,
      });
      context.print(`Committed as ${version.id.slice(0, 10)} on ${branch}.`);
      return { ...found, version: version.id };
    }),
};

async function behavioursOf(arguments_: CommandArguments): Promise<FindRequest['behaviours']> {
  const [shows, ordinary] = [optionalText(arguments_, 'with'), optionalText(arguments_, 'without')];
  if (shows === undefined && ordinary === undefined) {
    const [target] = positionals(arguments_, ['BEHAVIOUR'], 'find');
    const keep = texts(arguments_, 'keep');
    return { target, ...(keep.length === 0 ? {} : { keep }) };
  }
  positionals(arguments_, [], 'find');
  if (shows === undefined || ordinary === undefined || texts(arguments_, 'keep').length > 0) {
    throw new AppError('usage', 'errata find: --with and --without go together, and without --keep.');
  }
  return { lists: { with: await readPromptFile(shows), without: await readPromptFile(ordinary) } };
}
