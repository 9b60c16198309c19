// The features of a dictionary: statistics, lists, pages, texts tried on them, ideas for labels.
import type { FeatureExample, TokenEffect } from '../../../contract/domain/featurePage.ts';
import { outliersText } from '../../../contract/domain/outlierWords.ts';
import { percent, withMinus } from '../../../contract/base/figures.ts';
import { contract } from '../../../contract/api/contract.ts';
import { AppError } from '../../../contract/base/errors.ts';
import { statisticsSettings } from '../../../contract/domain/statisticsSettings.ts';
import { LABEL_STATES } from '../../../contract/domain/label.ts';
import { FEATURE_ORDERS, FEATURE_STATISTICS } from '../../../storage/entities/featureQuery.ts';
import { MOST_ROWS } from '../../../storage/entities/features.ts';
import { offerStatisticsTexts } from '../../../workbench/feature.ts';
import { topFeatures } from '../../../workbench/dictionaries.ts';
import {
  computeFeatureStatistics,
  describeFeatures,
  showContext,
  showFeature,
  suggestFeatureLabel,
  tryText,
} from '../../../workbench/features.ts';
import { listFeatures } from '../../../workbench/featureLists.ts';
import { inputOf } from '../asker.ts';
import type { CommandArguments, ComputeCommand } from '../command.ts';
import { inWorkbench } from '../openProject.ts';
import { printStatisticsTexts } from '../plans.ts';
import { optionsOfSettings, settingsFrom } from '../settingOptions.ts';
import {
  flag,
  given,
  integers,
  oneOf,
  optionalNumber,
  optionalText,
  positionals,
  requiredText,
  texts,
} from '../values.ts';

/** Tokens shown before the one where a feature is strongest. */
const SHOWN_BEFORE = 6;

const featureTop: ComputeCommand = {
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
    inWorkbench(context, async (workbench) => {
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

const whole = { min: 1, integer: true };
const oneLine = (text: string) => text.replaceAll('\n', '↵');

const featureStats: ComputeCommand = {
  name: 'feature stats',
  summary: 'Compute the statistics of all features of a dictionary over a text, in one pass.',
  usage: 'feature stats DICTIONARY [--activations STORE | --corpus PATH]',
  examples: [
    'feature stats first',
    'feature stats first --corpus texts.jsonl --context-length 128 --max-contexts 20000',
  ],
  options: {
    activations: {
      type: 'string',
      short: 'a',
      description:
        'A store of captured activations. With neither: that of its training, else the largest of its site, else the largest text in corpora/.',
    },
    corpus: {
      type: 'string',
      description: 'A .txt, .jsonl, .json or .parquet file, or a folder of them, that the model reads now.',
    },
    ...optionsOfSettings(statisticsSettings),
    plan: { type: 'boolean', description: 'Only show the texts at hand, the best first.' },
    show: { type: 'boolean', description: 'Only show what the statistics at hand are over, and how far labelling is.' },
  },
  computesOn: 'any',
  run: (arguments_, context) =>
    inWorkbench(context, async (workbench) => {
      const [dictionary] = positionals(arguments_, ['DICTIONARY'], 'feature stats');
      if (flag(arguments_, 'show')) {
        const statistics = await describeFeatures(workbench, dictionary);
        if (statistics) {
          const { size, tokens, outliers, contexts, contextLength, text, time, states } = statistics;
          context.print(
            `${size} features over ${tokens} tokens${outliersText(outliers)} in ${contexts} contexts of ${contextLength} (${text}), ${time}`,
          );
          for (const [state, count] of Object.entries(states)) context.print(`  ${state.padEnd(16)} ${count}`);
        } else context.print(`None yet. errata feature stats ${dictionary} computes them.`);
        return { statistics };
      }
      if (flag(arguments_, 'plan')) {
        const texts = await offerStatisticsTexts(workbench, { dictionary });
        printStatisticsTexts(texts, context);
        return texts;
      }
      const result = await computeFeatureStatistics(
        workbench,
        {
          dictionary,
          ...given('activations', optionalText(arguments_, 'activations')),
          ...given('corpus', optionalText(arguments_, 'corpus')),
          ...settingsFrom(statisticsSettings, arguments_),
        },
        context.signal,
      );
      const { size, firing, tokens, contexts } = result;
      context.print(`${firing} of ${size} features fire on these ${tokens} tokens in ${contexts} contexts.`);
      context.print(`errata feature list ${dictionary} --order impact --descending lists them.`);
      return { ...result };
    }),
};

const featureList: ComputeCommand = {
  name: 'feature list',
  summary: 'List features by any statistic, state, tag, list, or what is written about them.',
  usage: 'feature list DICTIONARY [--order STATISTIC] [--descending] [--min STATISTIC=N] [--search WORDS]',
  examples: [
    'feature list first --order impact --descending --state unlabelled --limit 20',
    'feature list first --search harbour --min rate=0.0001',
  ],
  options: {
    order: { type: 'string', description: `${FEATURE_ORDERS.join(', ')}; by number when left out.` },
    descending: { type: 'boolean', description: 'The largest first.' },
    min: { type: 'string', multiple: true, description: 'STATISTIC=N: at least so much. Can be given several times.' },
    max: { type: 'string', multiple: true, description: 'STATISTIC=N: at most so much.' },
    state: { type: 'string', multiple: true, description: `${LABEL_STATES.join(', ')}; several are allowed.` },
    tag: { type: 'string', description: 'Only features with this tag.' },
    list: { type: 'string', description: 'Only features on this list.' },
    search: { type: 'string', description: 'Words in labels, comments or examples; or a number.' },
    limit: { type: 'string', short: 'n', description: `Rows, ${MOST_ROWS} at most; 50 by default.` },
    offset: { type: 'string', description: 'Rows to leave out at the start.' },
  },
  computesOn: 'cpu',
  run: (arguments_, context) =>
    inWorkbench(context, async (workbench) => {
      const [dictionary] = positionals(arguments_, ['DICTIONARY'], 'feature list');
      const states = texts(arguments_, 'state').map((state) => {
        const known = LABEL_STATES.find((each) => each === state);
        if (known === undefined) throw new AppError('usage', `--state must be one of ${LABEL_STATES.join(', ')}.`);
        return known;
      });
      const { total, rows } = await listFeatures(
        workbench,
        {
          dictionary,
          order: oneOf(arguments_, 'order', FEATURE_ORDERS),
          descending: flag(arguments_, 'descending'),
          ranges: rangesOf(arguments_),
          states: states.length === 0 ? undefined : states,
          tag: optionalText(arguments_, 'tag'),
          list: optionalText(arguments_, 'list'),
          search: optionalText(arguments_, 'search'),
        },
        {
          offset: optionalNumber(arguments_, 'offset', { min: 0, integer: true }) ?? 0,
          limit: optionalNumber(arguments_, 'limit', { min: 1, max: MOST_ROWS, integer: true }) ?? 50,
        },
      );
      context.print(`${total} features:`);
      for (const { feature, rate, max, state, label, before, peak, after, topToken } of rows) {
        const place = `${before.slice(-24)}[${peak}]${after.slice(0, 12)}`;
        const said = label === '' ? `(${state})` : label;
        context.print(
          `  #${String(feature).padEnd(6)} ${percent(rate).padStart(9)} max ${(max?.toFixed(2) ?? '–').padStart(7)}  ${said}  …${oneLine(place)}…  → ${oneLine(topToken)}`,
        );
      }
      return { dictionary, total, rows };
    }),
};

/** 'rate=0.001' */
function rangesOf(arguments_: CommandArguments) {
  const ranges: Partial<Record<(typeof FEATURE_STATISTICS)[number], { min?: number; max?: number }>> = {};
  for (const end of ['min', 'max'] as const) {
    for (const text of texts(arguments_, end)) {
      const [name, number, ...more] = text.split('=');
      const statistic = FEATURE_STATISTICS.find((known) => known === name);
      const value = Number(number);
      if (!statistic || number === undefined || number.trim() === '' || !Number.isFinite(value) || more.length > 0) {
        throw new AppError(
          'usage',
          `--${end} takes STATISTIC=NUMBER, as in rate=0.001, not "${text.slice(0, 60)}"; there are ${FEATURE_STATISTICS.join(', ')}.`,
        );
      }
      ranges[statistic] = { ...ranges[statistic], [end]: value };
    }
  }
  return ranges;
}

function featureOf(arguments_: CommandArguments, command: string): { dictionary: string; feature: number } {
  const [dictionary, text] = positionals(arguments_, ['DICTIONARY', 'FEATURE'], command);
  if (!/^#?\d{1,10}$/u.test(text))
    throw new AppError('usage', `"${text.slice(0, 40)}" is not the number of a feature.`);
  return { dictionary, feature: Number(text.replace('#', '')) };
}

/** What stands around the peak, the peak itself in brackets. */
function exampleLine({ tokens, peak, value }: FeatureExample): string {
  const text = `${tokens.slice(Math.max(0, peak - 12), peak).join('')}[${tokens[peak] ?? ''}]${tokens.slice(peak + 1, peak + 7).join('')}`;
  return `    ${value.toFixed(3).padStart(8)}  …${oneLine(text)}…`;
}

const effectsLine = (effects: readonly TokenEffect[]) =>
  effects.map(({ token, effect }) => `${JSON.stringify(token)} ${withMinus(effect.toFixed(2))}`).join('  ');

const featureShow: ComputeCommand = {
  name: 'feature show',
  summary: 'Everything about one feature: statistics, examples, effects, neighbours, label.',
  usage: 'feature show DICTIONARY FEATURE',
  examples: ['feature show first 137 --json'],
  options: { examples: { type: 'string', short: 'n', description: 'Examples printed; 8 by default.' } },
  computesOn: 'cpu',
  run: (arguments_, context) =>
    inWorkbench(context, async (workbench) => {
      const shown = await showFeature(workbench, featureOf(arguments_, 'feature show'));
      const count = optionalNumber(arguments_, 'examples', whole) ?? 8;
      const { page, label, lists } = shown;
      context.print(
        `#${page.feature} of ${shown.dictionary}: ${label && label.text !== '' ? label.text : (label?.state ?? 'unlabelled')}`,
      );
      if (label && label.tags.length > 0) context.print(`  tags ${label.tags.join(', ')}`);
      if (lists.length > 0) context.print(`  on the lists ${lists.join(', ')}`);
      if (page.mean === null || page.deviation === null) {
        context.print(`  never fires on these ${page.tokens} tokens.`);
      } else {
        context.print(
          `  fires on ${page.firings} of ${page.tokens} tokens (${percent(page.rate)}); mean there ${page.mean.toFixed(3)} ± ${page.deviation.toFixed(3)}, max ${page.max.toFixed(3)}`,
        );
        if (page.lastRate !== null) {
          context.print(
            `  on the last token of ${page.lastFirings} of ${page.documentEnds} documents (${percent(page.lastRate)})`,
          );
        }
        context.print('  strongest examples');
        for (const example of page.top.slice(0, count)) context.print(exampleLine(example));
      }
      if (page.logits) {
        context.print(`  raises  ${effectsLine(page.logits.top)}`);
        context.print(`  lowers  ${effectsLine(page.logits.bottom)}`);
      }
      const near = (list: readonly { feature: number; cosine: number; label: string }[]) =>
        list
          .slice(0, 6)
          .map(
            ({ feature, cosine, label }) =>
              `#${feature} ${withMinus(cosine.toFixed(2))}${label === '' ? '' : ` "${oneLine(label)}"`}`,
          )
          .join('  ');
      context.print(`  similar directions  ${near(page.decoderNeighbours)}`);
      if (page.cofiring.length > 0) context.print(`  fires together with  ${near(page.cofiring)}`);
      return { ...shown };
    }),
};

const featureTry: ComputeCommand = {
  name: 'feature try',
  summary: 'Which features fire on which token of a text.',
  usage: 'feature try DICTIONARY --text TEXT [--features NUMBERS]',
  examples: ['feature try first --text "Once upon a time" --features 12,137'],
  options: {
    text: { type: 'string', description: 'The text to read.' },
    features: { type: 'string', description: 'Features whose activation on every token is wanted: 12,137.' },
    'per-token': { type: 'string', description: 'Features told for each token; 3 by default.' },
  },
  computesOn: 'any',
  run: (arguments_, context) =>
    inWorkbench(context, async (workbench) => {
      const [dictionary] = positionals(arguments_, ['DICTIONARY'], 'feature try');
      const asked = optionalText(arguments_, 'features');
      const result = await tryText(
        workbench,
        {
          dictionary,
          text: requiredText(arguments_, 'text', 'feature try'),
          ...given('perToken', optionalNumber(arguments_, 'per-token', whole)),
          ...given('features', asked === undefined ? undefined : integers(asked, 'features')),
        },
        context.signal,
      );
      context.print(`${result.featureCount} features fire on these ${result.tokens.length} tokens.`);
      if (result.pieces.length > 1) {
        context.print(
          `The text is longer than the model can read: it was read in pieces, from the tokens ${result.pieces.slice(1).join(', ')}.`,
        );
      }
      for (const [position, token] of result.tokens.entries()) {
        const own = result.activations.map(
          ({ feature, values }) => `#${feature} ${(values[position] ?? 0).toFixed(3)}`,
        );
        const firing = (result.firing[position] ?? []).map(
          ({ feature, activation }) => `#${feature} ${activation.toFixed(3)}`,
        );
        context.print(`  ${oneLine(JSON.stringify(token)).padEnd(16)} ${(own.length > 0 ? own : firing).join('  ')}`);
      }
      return { dictionary, ...result };
    }),
};

const featureSuggest: ComputeCommand = {
  name: 'feature suggest',
  summary: 'Suggestions for the label of a feature, from its examples and effects. Saves nothing.',
  usage: 'feature suggest DICTIONARY FEATURE',
  examples: ['feature suggest first 137'],
  options: {},
  computesOn: 'cpu',
  run: (arguments_, context) =>
    inWorkbench(context, async (workbench) => {
      const asked = featureOf(arguments_, 'feature suggest');
      const result = await suggestFeatureLabel(workbench, asked);
      if (result.suggestions.length === 0)
        context.print('Suggestions: none; its examples have nothing simple in common.');
      else context.print('Suggestions (a heuristic; nothing is saved):');
      for (const { text, holds, of } of result.suggestions) context.print(`  ${text}  (in ${holds} of ${of} examples)`);
      if (result.effect !== null) context.print(`  ${result.effect}`);
      return { ...asked, ...result };
    }),
};

const featureContext: ComputeCommand = {
  name: 'feature context',
  summary: 'Show more of the text around an example, by its context and the positions in it.',
  usage: 'feature context DICTIONARY CONTEXT --first N --end N',
  examples: ['feature context first 1204 --first 0 --end 64'],
  options: {
    first: { type: 'string', description: 'The first token, counted from 0; 0 by default.' },
    end: { type: 'string', description: 'One after the last token.' },
  },
  computesOn: 'cpu',
  run: (arguments_, context) =>
    inWorkbench(context, async (workbench) => {
      const [dictionary, number] = positionals(arguments_, ['DICTIONARY', 'CONTEXT'], 'feature context');
      const input = inputOf('feature context', contract.feature.context, {
        dictionary,
        context: integers(number, 'CONTEXT')[0] ?? -1,
        first: optionalNumber(arguments_, 'first', { min: 0, integer: true }) ?? 0,
        end: Number(requiredText(arguments_, 'end', 'feature context')),
      });
      const tokens = await showContext(workbench, input);
      context.print(tokens.join(''));
      return { ...input, tokens };
    }),
};

export const featureCommands = [
  featureContext,
  featureStats,
  featureList,
  featureShow,
  featureTry,
  featureSuggest,
  featureTop,
];
