import { contract } from '../../../contract/api/contract.ts';
import { withMinus } from '../../../contract/base/figures.ts';
import { writeFileAtomic } from '../../../core/files/atomicWrite.ts';
import { csvRecord } from '../../../core/files/textRows.ts';
import { explainToken } from '../../../workbench/why.ts';
import { inputOf } from '../asker.ts';
import type { ComputeCommand } from '../command.ts';
import { inWorkbench } from '../openProject.ts';
import { given, optionalNumber, optionalText, positionals, requiredText, texts } from '../values.ts';

const COLUMNS = ['site', 'dictionary', 'feature', 'position', 'token', 'activation', 'effect', 'measured', 'label'];

const signed = (value: number) => withMinus(`${value < 0 ? '' : '+'}${value.toFixed(3)}`).padStart(8);

export const whyCommand: ComputeCommand = {
  name: 'why',
  summary: 'Show which features made the model say a token: predicted by the gradient, the largest also ablated.',
  usage: 'why MODEL --text TEXT [--token N] [--against TOKEN] [--dictionary D …]',
  examples: [
    'why sample --text "The nurse said that" --against " he"',
    'why sample --text "Once upon a time" --token 3',
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
      });
      const found = await explainToken(workbench, input, context.signal);
      const { tokens, token, against, value, sites, effects } = found;
      const rival = against ? ` less that of ${JSON.stringify(against.text)}` : '';
      context.print(`The logit of ${JSON.stringify(token.text)}${rival}: ${signed(value).trim()}`);
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
