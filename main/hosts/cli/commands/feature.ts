import { topFeatures } from '../../../workbench/dictionaries.ts';
import { withWorkbench } from '../../../workbench/openWorkbench.ts';
import type { ComputeCommand } from '../command.ts';
import { optionalNumber, positionals, requiredText } from '../values.ts';

/** Tokens shown before the one where a feature is strongest. */
const SHOWN_BEFORE = 6;

export const featureTop: ComputeCommand = {
  name: 'feature top',
  summary: 'Which features fire on a text, the strongest first.',
  usage: 'feature top DICTIONARY --text TEXT [--count N]',
  examples: ['feature top first --text "Once upon a time there was a little girl" --count 5'],
  options: {
    text: { type: 'string', description: 'The text to read.' },
    count: { type: 'string', short: 'n', description: 'How many features at most; 10 by default.' },
  },
  computesOn: 'any',
  run: (arguments_, context) =>
    withWorkbench(context.projectFolder, { host: 'the command line', compute: context.compute }, async (workbench) => {
      const [dictionary] = positionals(arguments_, ['DICTIONARY'], 'feature top');
      const text = requiredText(arguments_, 'text', 'feature top');
      const count = optionalNumber(arguments_, 'count', { min: 1, integer: true }) ?? 10;
      const { tokens, features, firing } = await topFeatures(workbench, { dictionary, text, count }, context.signal);
      context.print(`${firing} features fire on these ${tokens.length} tokens.`);
      for (const { feature, max, firings, position } of features) {
        const before = tokens.slice(Math.max(0, position - SHOWN_BEFORE), position).join('');
        const where = `${before}[${tokens[position] ?? ''}]`.replaceAll('\n', '↵');
        context.print(`  #${String(feature).padEnd(6)} ${max.toFixed(3).padStart(9)} on ${firings} tokens  …${where}`);
      }
      return { dictionary, tokens, features, firing };
    }),
};
