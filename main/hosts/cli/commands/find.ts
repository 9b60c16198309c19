import { percent } from '../../../contract/base/figures.ts';
import { AppError } from '../../../contract/base/errors.ts';
import { findSettings } from '../../../contract/domain/findSettings.ts';
import type { Operation } from '../../../core/edits/edit.ts';
import type { FoundFigures } from '../../../core/finder/figures.ts';
import type { FoundEdit } from '../../../core/finder/findEdit.ts';
import { readPromptFile } from '../../../core/finder/promptFile.ts';
import { commitFound, findEdit } from '../../../workbench/findEdit.ts';
import { type FindRequest } from '../../../workbench/findRequest.ts';
import { listFindings, type Finding } from '../../../workbench/findings.ts';
import { planSearch } from '../../../workbench/findPlan.ts';
import { withWorkbench } from '../../../workbench/openWorkbench.ts';
import { nameFrom } from '../../../workbench/projectFolder.ts';
import type { CommandArguments, CommandContext, ComputeCommand } from '../command.ts';
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
      if (flag(arguments_, 'list')) return listFound(await listFindings(workbench), context);
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
      printFound(found, context);
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

function listFound(findings: readonly Finding[], { print }: Pick<CommandContext, 'print'>) {
  if (findings.length === 0) print('Nothing has been searched for yet.');
  for (const { name, startedAt, found } of findings) {
    const operations = found?.edit.operations.length ?? 0;
    const result =
      found === null
        ? 'stopped before its end'
        : operations === 0
          ? 'nothing found'
          : `${operations} ${operations === 1 ? 'operation' : 'operations'}, ${percent(found.target.remaining)} left`;
    print(`${name}  ${startedAt.slice(0, 16).replace('T', ' ')}  ${result}`);
  }
  return { findings };
}

function printFound(found: FoundEdit, { print }: Pick<CommandContext, 'print'>): void {
  print('feature   contrast (mean with, without, AUROC)   effect of ablating, of clamping');
  for (const { feature, contrast, ablationEffect, clampEffect } of found.candidates.slice(0, 12)) {
    const means = `${contrast.meanTarget.toFixed(2)} ${contrast.meanOther.toFixed(2)} ${contrast.auroc.toFixed(2)} ${contrast.position}`;
    print(
      `${String(feature).padStart(7)}   ${means.padEnd(37)}   ${ablationEffect.toFixed(3)} ${clampEffect.toFixed(3)}`,
    );
  }
  for (const { action, operations, remaining, harm, tried } of found.steps) {
    const what = operations.map(describe).join(', ');
    print(`${action} ${what}: ${percent(remaining)} left, harm ${harm.toFixed(4)} nats (${tried} tried)`);
  }
  if (found.edit.operations.length === 0) print('Nothing was found: no feature changes the behaviour.');
  else {
    print(`On the prompts for choosing: ${figures(found)}`);
    if (found.report) print(`On prompts that the search has not seen: ${figures(found.report)}`);
  }
  if (!found.isReached) print('The goal was not reached.');
}

function figures({ target, kept }: FoundFigures): string {
  return (
    `of ${target.cases} cases ${percent(target.shown)} still shown, ${percent(target.remaining)} left; ` +
    `of ${kept.cases} cases to be kept ${percent(kept.share)} are as before.`
  );
}

function describe(operation: Operation): string {
  const { feature, kind, gates, scope } = operation;
  const value = 'value' in operation ? `:${operation.value}` : '';
  const where =
    gates.length === 0 ? '' : ` where ${gates.map((gate) => `${gate.feature}>${gate.threshold}`).join(' or ')}`;
  const from = scope.positions === 'fromFirstFiring' ? ` from where ${scope.feature} fires first` : '';
  return `${kind}:${feature}${value}${where}${from}`;
}
