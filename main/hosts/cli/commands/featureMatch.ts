// The same features in another dictionary, and labels carried over to it.
import { contract } from '../../../contract/api/contract.ts';
import { percent, withMinus } from '../../../contract/base/figures.ts';
import { AppError } from '../../../contract/base/errors.ts';
import { acceptCarried, matchFeature, proposeCarried, type CarriedLabel } from '../../../workbench/featureMatches.ts';
import { inputOf } from '../asker.ts';
import type { ComputeCommand } from '../command.ts';
import { AUTHOR_OPTIONS, authorOf, inWorkbench } from '../openProject.ts';
import { flag, given, integers, optionalNumber, optionalText, positionals, requiredText } from '../values.ts';

const share = { min: 0, max: 1 } as const;

const alike = ({ cosine, shared }: { readonly cosine: number | null; readonly shared: number | null }) =>
  [
    ...(cosine === null ? [] : [`cosine ${withMinus(cosine.toFixed(3))}`]),
    ...(shared === null ? [] : [`shared examples ${percent(shared)}`]),
  ].join(', ');

const featureMatch: ComputeCommand = {
  name: 'feature match',
  summary: 'The features of another dictionary of the model that are most like a feature.',
  usage: 'feature match DICTIONARY FEATURE --other DICTIONARY',
  examples: ['feature match first 137 --other second', 'feature match first 137 --other wide --count 3 --json'],
  options: {
    other: { type: 'string', description: 'The dictionary that is searched: another seed, size or site.' },
    count: { type: 'string', short: 'n', description: 'How many; 10 by default.' },
  },
  computesOn: 'any',
  run: (arguments_, context) =>
    inWorkbench(context, async (workbench) => {
      const [dictionary, number] = positionals(arguments_, ['DICTIONARY', 'FEATURE'], 'feature match');
      const input = inputOf('feature match', contract.feature.matches, {
        dictionary,
        feature: integers(number, 'FEATURE')[0] ?? -1,
        other: requiredText(arguments_, 'other', 'feature match'),
        ...given('count', optionalNumber(arguments_, 'count', { min: 1, max: 100, integer: true })),
      });
      const found = await matchFeature(workbench, input, context);
      for (const match of found.matches) context.print(`#${match.feature}  ${alike(match)}  ${match.label}`);
      return { ...input, ...found };
    }),
};

const line = ({ feature, label, to }: CarriedLabel) =>
  `#${feature} → #${to.feature}  ${alike(to)}  ${label}${to.label === '' ? '' : `  (has the label “${to.label}”)`}`;

const labelCarry: ComputeCommand = {
  name: 'label carry',
  summary: 'Carry labels over to the nearest features of another dictionary of the model, after a look at them.',
  usage: 'label carry DICTIONARY --other DICTIONARY [--accept | --only FEATURES]',
  examples: [
    'label carry first --other second',
    'label carry first --other second --min-cosine 0.9 --accept',
    'label carry first --other second --only 12,137',
  ],
  options: {
    other: { type: 'string', description: 'The dictionary that gets the labels.' },
    'min-cosine': { type: 'string', description: 'Only where the decoder rows are as near as this; 0.7 by default.' },
    'min-shared': {
      type: 'string',
      description:
        'Only where the share of strongest examples on which both fire is at least this, 0 to 1; 0 by default.',
    },
    examples: { type: 'boolean', description: 'Compare examples as well, which takes a while.' },
    accept: { type: 'boolean', description: 'Write all that is proposed. A feature with a label keeps its own.' },
    only: { type: 'string', description: 'Write the labels of these features of the first dictionary.' },
    ...AUTHOR_OPTIONS,
  },
  computesOn: 'any',
  run: (arguments_, context) =>
    inWorkbench(context, async (workbench) => {
      const [dictionary] = positionals(arguments_, ['DICTIONARY'], 'label carry');
      const input = inputOf('label carry', contract.feature.carry, {
        dictionary,
        other: requiredText(arguments_, 'other', 'label carry'),
        ...given('minCosine', optionalNumber(arguments_, 'min-cosine', share)),
        ...given('examples', flag(arguments_, 'examples') || undefined),
        ...given('minShared', optionalNumber(arguments_, 'min-shared', share)),
      });
      const only = optionalText(arguments_, 'only');
      const chosen = only === undefined ? null : new Set(integers(only, '--only'));
      const { hash, labelled, proposals } = await proposeCarried(workbench, input, context);
      const unknown = [...(chosen ?? [])].find((feature) => !proposals.some((one) => one.feature === feature));
      if (unknown !== undefined) {
        throw new AppError(
          'usage',
          `errata label carry: no label of feature ${unknown} is proposed. Nothing was written.`,
        );
      }
      const accepted = proposals.filter(({ feature }) => chosen?.has(feature) ?? flag(arguments_, 'accept'));
      for (const proposal of chosen ? accepted : proposals) context.print(line(proposal));
      const written = acceptCarried(workbench, hash, accepted, authorOf(arguments_));
      context.print(
        accepted.length > 0
          ? `${written} labels written to ${input.other}; ${accepted.length - written} of these features keep their own.`
          : `${proposals.length} of ${labelled} labels have a match. --accept writes them, --only chosen ones.`,
      );
      return { ...input, labelled, proposals, written };
    }),
};

export const featureMatchCommands = [featureMatch, labelCarry];
