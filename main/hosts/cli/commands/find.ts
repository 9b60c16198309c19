import { contract } from '../../../contract/api/contract.ts';
import { AppError } from '../../../contract/base/errors.ts';
import { validate } from '../../../contract/base/validate.ts';
import { findSettings } from '../../../contract/domain/findSettings.ts';
import type { InputOf } from '../../../contract/rpc/procedure.ts';
import { readPromptFile } from '../../../core/finder/promptFile.ts';
import { promptsSchema } from '../../../core/finder/promptLists.ts';
import { commitFound, findEdit } from '../../../workbench/findEdit.ts';
import { listSearches, searchRequest, subjectOf } from '../../../workbench/finder.ts';
import { planSearch } from '../../../workbench/findPlan.ts';
import { nameFrom } from '../../../workbench/projectFolder.ts';
import { askerOf, inputOf, type CommandAsker } from '../asker.ts';
import type { CommandArguments, ComputeCommand } from '../command.ts';
import { printFindings, printFound } from '../foundText.ts';
import { AUTHOR_OPTION, inWorkbench } from '../openProject.ts';
import { PLAN_OPTION, printSearchPlan } from '../plans.ts';
import { optionsOfSettings, settingsFrom } from '../settingOptions.ts';
import { flag, optionalText, positionals, texts } from '../values.ts';

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
    without: { type: 'string', description: 'With it: prompts whose answers should not change.' },
    keep: { type: 'string', multiple: true, description: 'Behaviours to preserve; all with that aim when left out.' },
    corpus: { type: 'string', description: 'Reference text without the behaviour, to stay as likely as it is.' },
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
    inWorkbench(context, async (workbench) => {
      if (flag(arguments_, 'list')) return printFindings(await listSearches(workbench), context);
      const asker = askerOf(arguments_, context);
      const request = await searchRequest(workbench, await findInput(arguments_, asker), asker);
      const plan = await planSearch(workbench, request);
      printSearchPlan(plan, context);
      if (flag(arguments_, 'plan')) return { ...plan };
      const found = await findEdit(workbench, request, context.signal);
      const said = { ...found, operations: found.edit.operations };
      const headline = printFound(subjectOf(request), said, context);
      const branch = optionalText(arguments_, 'commit');
      if (branch === undefined) return { headline, ...found };
      const { behaviours } = request;
      const target = 'target' in behaviours ? behaviours.target : null;
      const version = commitFound(workbench, {
        edit: found.edit,
        branch,
        message: `Lower ${target ?? 'prompts'}`,
        target,
        author: asker.author().author,
      });
      context.print(`Committed as ${version.id.slice(0, 10)} on ${branch}.`);
      return { headline, ...found, version: version.id };
    }),
};

/** What a person typed for the parts of a request. */
const WORDS = {
  name: '--name',
  dictionaries: '--dictionary',
  'sides.target': 'BEHAVIOUR',
  'sides.keep': '--keep',
  corpus: '--corpus',
};

async function findInput(arguments_: CommandArguments, { locate }: CommandAsker) {
  const sides = await sidesOf(arguments_);
  const dictionaries = texts(arguments_, 'dictionary');
  if (dictionaries.length === 0) {
    throw new AppError('usage', 'errata find: --dictionary is missing. errata dictionary list shows what there is.');
  }
  const corpus = optionalText(arguments_, 'corpus');
  return inputOf(
    'find',
    contract.finder.start,
    {
      name: optionalText(arguments_, 'name') ?? nameFrom('target' in sides ? sides.target : 'prompts'),
      sides,
      dictionaries,
      ...(corpus === undefined ? {} : { corpus: { from: 'location', location: locate(corpus) } }),
      settings: settingsFrom(findSettings, arguments_),
    },
    WORDS,
  );
}

async function sidesOf(arguments_: CommandArguments): Promise<InputOf<typeof contract.finder.start>['sides']> {
  const [shows, ordinary] = [optionalText(arguments_, 'with'), optionalText(arguments_, 'without')];
  const keep = texts(arguments_, 'keep');
  if (shows === undefined && ordinary === undefined) {
    if (arguments_.positionals.length === 0) {
      throw new AppError('usage', 'errata find: name a behaviour, or give files of prompts with --with and --without.');
    }
    const [target] = positionals(arguments_, ['BEHAVIOUR'], 'find');
    return { from: 'behaviours', target, ...(keep.length === 0 ? {} : { keep }) };
  }
  positionals(arguments_, [], 'find');
  if (shows === undefined || ordinary === undefined) {
    throw new AppError('usage', `errata find: --${shows === undefined ? 'with' : 'without'} FILE is missing.`);
  }
  if (keep.length > 0) {
    throw new AppError('usage', 'errata find: --keep goes with a behaviour; put prompts to be preserved in --without.');
  }
  return { from: 'prompts', with: await promptsOf('with', shows), without: await promptsOf('without', ordinary) };
}

async function promptsOf(option: string, path: string): Promise<string[]> {
  return validate(promptsSchema, await readPromptFile(path), `errata find: --${option} ${path}`);
}
