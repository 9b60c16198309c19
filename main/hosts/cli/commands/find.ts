import type { Operation } from '../../../edits/edit.ts';
import { commitFound, findEdit } from '../../../workbench/finder.ts';
import { withWorkbench } from '../../../workbench/openWorkbench.ts';
import type { ComputeCommand } from '../command.ts';
import { AUTHOR_OPTION, authorOf } from '../openProject.ts';
import { given, optionalNumber, optionalText, positionals, texts } from '../values.ts';

export const findCommand: ComputeCommand = {
  name: 'find',
  summary:
    'Find the features behind a behaviour by contrast and measured ablation, and the smallest edit that removes it.',
  usage: 'find BEHAVIOUR --dictionary NAME [--keep BEHAVIOUR …] [--commit BRANCH]',
  examples: [
    'find jailbreak --dictionary first',
    'find jailbreak -d first --keep refusals --keep harmless --commit fix --json',
  ],
  options: {
    dictionary: {
      type: 'string',
      short: 'd',
      multiple: true,
      description: 'Where to look; several are searched together.',
    },
    keep: { type: 'string', multiple: true, description: 'What must stay; all behaviours to be kept when left out.' },
    corpus: { type: 'string', description: 'Text without the behaviour, which must stay as likely as it is.' },
    commit: { type: 'string', description: 'Make what is found the first version of a new branch of this name.' },
    'most-operations': { type: 'string', description: 'How large the edit may get; 12 when left out.' },
    'harm-weight': {
      type: 'string',
      description: 'What a nat lost on the worst of what is kept weighs; 2 when left out.',
    },
    effort: { type: 'string', description: 'Tokens that a round of the search may read; 120000 when left out.' },
    seed: { type: 'string', description: 'Chooses the cases that are looked at; 0 when left out.' },
    ...AUTHOR_OPTION,
  },
  computesOn: 'any',
  run: (arguments_, context) =>
    withWorkbench(context.projectFolder, { host: 'the command line', compute: context.compute }, async (workbench) => {
      const [target] = positionals(arguments_, ['BEHAVIOUR'], 'find');
      const keep = texts(arguments_, 'keep');
      const found = await findEdit(
        workbench,
        {
          target,
          dictionaries: texts(arguments_, 'dictionary'),
          ...(keep.length === 0 ? {} : { keep }),
          ...given('corpus', optionalText(arguments_, 'corpus')),
          settings: {
            ...given('mostOperations', optionalNumber(arguments_, 'most-operations', { min: 1, integer: true })),
            ...given('harmWeight', optionalNumber(arguments_, 'harm-weight', { min: 0 })),
            ...given('tokensPerRound', optionalNumber(arguments_, 'effort', { min: 1000, integer: true })),
            ...given('seed', optionalNumber(arguments_, 'seed', { min: 0, integer: true })),
          },
        },
        { signal: context.signal },
      );
      context.print('feature   contrast (mean with, without, AUROC)   effect of ablating, of clamping');
      for (const { feature, contrast, ablationEffect, clampEffect } of found.candidates.slice(0, 12)) {
        const means = `${contrast.meanTarget.toFixed(2)} ${contrast.meanOther.toFixed(2)} ${contrast.auroc.toFixed(2)} ${contrast.position}`;
        context.print(
          `${String(feature).padStart(7)}   ${means.padEnd(37)}   ${ablationEffect.toFixed(3)} ${clampEffect.toFixed(3)}`,
        );
      }
      for (const { action, operation, remaining, harm, tried } of found.steps) {
        context.print(
          `${action} ${describe(operation)}: ${(100 * remaining).toFixed(1)}% left, harm ${harm.toFixed(4)} nats (${tried} tried)`,
        );
      }
      const { cases, shown, remaining } = found.target;
      if (found.edit.operations.length === 0) context.print('Nothing was found: no feature changes the behaviour.');
      else {
        context.print(
          `On ${cases} cases for choosing: ${(100 * shown).toFixed(1)}% still shown, ${(100 * remaining).toFixed(1)}% left; ` +
            `of ${found.kept.cases} cases to be kept ${(100 * found.kept.share).toFixed(1)}% are as before.`,
        );
      }
      if (!found.isReached) context.print('The goal was not reached.');
      const branch = optionalText(arguments_, 'commit');
      if (branch === undefined) return { ...found };
      const { author } = authorOf(arguments_);
      const version = commitFound(workbench, { edit: found.edit, branch, message: `Lower ${target}`, target, author });
      context.print(`Committed as ${version.id.slice(0, 10)} on ${branch}.`);
      return { ...found, version: version.id };
    }),
};

function describe(operation: Operation): string {
  const { feature, kind, gates } = operation;
  const value = 'value' in operation ? `:${operation.value}` : '';
  const where =
    gates.length === 0 ? '' : ` where ${gates.map((gate) => `${gate.feature}>${gate.threshold}`).join(' or ')}`;
  return `${kind}:${feature}${value}${where}`;
}
