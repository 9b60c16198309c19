import { contract } from '../../../contract/api/contract.ts';
import { AppError } from '../../../contract/base/errors.ts';
import { ESTIMATORS, signedFigure, whySentence } from '../../../contract/domain/attribution.ts';
import { writeFileAtomic } from '../../../core/files/atomicWrite.ts';
import { csvRecord } from '../../../core/files/textRows.ts';
import { explainToken } from '../../../workbench/why.ts';
import { inputOf } from '../asker.ts';
import type { ComputeCommand } from '../command.ts';
import { editOf, namesEdit } from '../editOptions.ts';
import { inWorkbench } from '../openProject.ts';
import { given, oneOf, optionalNumber, optionalText, positionals, requiredText, texts } from '../values.ts';

const COLUMNS = ['site', 'dictionary', 'feature', 'position', 'token', 'activation', 'effect', 'measured', 'label'];

const signed = (value: number) => signedFigure(value).padStart(8);

/** `412@3`, or `412` for all positions. */
function placeOf(text: string, dictionary: string | undefined) {
  if (dictionary === undefined) {
    throw new AppError('usage', 'errata why: --ablate needs --dictionary, which says whose feature it is.');
  }
  const [, feature, position] = /^(\d+)(?:@(\d+))?$/u.exec(text) ?? [];
  if (feature === undefined) {
    throw new AppError('usage', `errata why: --ablate takes FEATURE or FEATURE@POSITION, not ${JSON.stringify(text)}.`);
  }
  return {
    dictionary,
    feature: Number(feature),
    ...given('position', position === undefined ? undefined : Number(position)),
  };
}

export const whyCommand: ComputeCommand = {
  name: 'why',
  summary: 'Show which features made the model say a token: predicted by the gradient, the largest also ablated.',
  usage:
    'why MODEL --text TEXT [--token N] [--target TOKEN] [--against TOKEN] [--dictionary D …] [--version V | --edit FILE]',
  examples: [
    'why sample --text "The nurse said that" --against " he"',
    'why sample --text "Once upon a time" --token 3',
    'why sample --text "The nurse said that" -d run --ablate 412@3 --ablate 87',
  ],
  options: {
    text: { type: 'string', description: 'The text.' },
    token: {
      type: 'string',
      description: 'Explain this token of the text, counted from 0, instead of the likeliest next one.',
    },
    against: { type: 'string', description: 'A token to compare with: explains the difference of the two logits.' },
    dictionary: {
      type: 'string',
      short: 'd',
      multiple: true,
      description: 'Whose features; the first of every site when left out. Can be given several times.',
    },
    target: { type: 'string', description: 'Explain this token there, instead of the one that the text has.' },
    estimator: {
      type: 'string',
      description: `How effects are estimated: ${ESTIMATORS.join(', ')}; exact, the gradient, by default.`,
    },
    ablate: {
      type: 'string',
      multiple: true,
      description:
        'Ablate a feature of the first --dictionary as well: FEATURE at all positions, or FEATURE@POSITION. Can be given several times.',
    },
    version: { type: 'string', description: 'Explain the model with this version of the edit.' },
    edit: { type: 'string', description: 'Explain the model with the edit of this file.' },
    count: { type: 'string', short: 'n', description: 'How many features; 20 by default.' },
    csv: { type: 'string', description: 'Write the features as CSV.' },
  },
  computesOn: 'any',
  run: (arguments_, context) =>
    inWorkbench(context, async (workbench) => {
      const [model] = positionals(arguments_, ['MODEL'], 'why');
      const names = texts(arguments_, 'dictionary');
      const input = inputOf('why', contract.model.why, {
        model,
        text: requiredText(arguments_, 'text', 'why'),
        ...given('token', optionalNumber(arguments_, 'token', { min: 0, integer: true })),
        ...given('against', optionalText(arguments_, 'against')),
        ...given('dictionaries', names.length === 0 ? undefined : names),
        ...given('count', optionalNumber(arguments_, 'count', { min: 1, max: 1000, integer: true })),
        ...given('target', optionalText(arguments_, 'target')),
        ...given('estimator', oneOf(arguments_, 'estimator', ESTIMATORS)),
        ...given(
          'operations',
          namesEdit(arguments_) ? (await editOf(arguments_, workbench, 'why')).edit.operations : undefined,
        ),
        ablate: texts(arguments_, 'ablate').map((place) => placeOf(place, names[0])),
      });
      const found = await explainToken(workbench, input, context.signal);
      const { tokens, sites, effects, ablated } = found;
      context.print(whySentence(found));
      for (const { site, dictionary, active, sum, measured, error, bias } of sites) {
        context.print(
          `${site} (${dictionary}): ${active} activations predict ${signed(sum).trim()}, ablated together ${signed(measured).trim()}; not explained ${signed(error).trim()}, bias ${signed(bias).trim()}`,
        );
      }
      context.print('predicted   ablated');
      for (const { site, feature, position, effect, measured, label } of effects) {
        const where = `${site} #${feature} at ${position} ${JSON.stringify(tokens[position] ?? '')}`;
        context.print(
          ` ${signed(effect)}  ${measured === null ? ' '.repeat(8) : signed(measured)}  ${where}  ${label}`,
        );
      }
      for (const { site, feature, position, measured, label } of ablated) {
        const where = position === null ? 'everywhere' : `at ${position} ${JSON.stringify(tokens[position] ?? '')}`;
        context.print(` ${' '.repeat(8)}  ${signed(measured)}  ${site} #${feature} ${where}  ${label}`);
      }
      const csv = optionalText(arguments_, 'csv');
      if (csv === undefined) return found;
      const rows = effects.map(({ site, dictionary, feature, position, activation, effect, measured, label }) => [
        ...[site, dictionary, feature, position, tokens[position] ?? ''],
        ...[activation, effect, measured ?? '', label],
      ]);
      await writeFileAtomic(csv, [COLUMNS, ...rows].map(csvRecord).join(''));
      context.print(`Features: ${csv}`);
      return { ...found, csv };
    }),
};
