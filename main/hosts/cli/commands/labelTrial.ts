// How good labels are: the blind test, agreement with others, and a language model of one's own that suggests and scores.
import { percent } from '../../../contract/base/figures.ts';
import type { Endpoint } from '../../../contract/api/app.ts';
import { AppError } from '../../../contract/base/errors.ts';
import { intruderFigures } from '../../../workbench/intruder.ts';
import { answerIntruderTest, INTRUDER_TEXTS, intruderTest } from '../../../workbench/intruderTest.ts';
import { listedHash } from '../../../workbench/featureLists.ts';
import { askForLabel, scoreLabel } from '../../../workbench/suggestions.ts';
import type { AnyCommand, Command, CommandArguments, ComputeCommand, Option } from '../command.ts';
import {
  AUTHOR_OPTION,
  authorOf,
  DICTIONARY_OPTION,
  dictionaryHash,
  withProjectToRead,
  inWorkbench,
} from '../openProject.ts';
import { flag, optionalNumber, optionalText, positionals, requiredText } from '../values.ts';

const oneLine = (text: string) => text.replaceAll('\n', '↵');

const labelTest: ComputeCommand = {
  name: 'label test',
  summary: 'A blind test of your labels: which of five texts does not make the feature fire? Answers are counted.',
  usage: 'label test DICTIONARY [--feature N] [--seed N --answer 1-5]',
  examples: ['label test first', 'label test first --feature 12 --seed 7 --answer 3'],
  options: {
    feature: { type: 'string', description: 'The feature; when left out, one with a label, tested least so far.' },
    seed: { type: 'string', description: 'Which test: the same seed gives the same texts.' },
    answer: { type: 'string', description: 'The text that does not belong, from 1; needs --feature and --seed.' },
    ...AUTHOR_OPTION,
  },
  computesOn: 'any',
  run: (arguments_, context) =>
    inWorkbench(context, async (workbench) => {
      const [dictionary] = positionals(arguments_, ['DICTIONARY'], 'label test');
      const { author } = authorOf(arguments_);
      const whole = { min: 0, max: 2 ** 31 - 1, integer: true };
      const feature = optionalNumber(arguments_, 'feature', whole);
      const seed = optionalNumber(arguments_, 'seed', whole);
      const answer = optionalNumber(arguments_, 'answer', { min: 1, max: INTRUDER_TEXTS, integer: true });
      if (answer === undefined) {
        const test = await intruderTest(workbench, { dictionary, feature, seed }, author, context.signal);
        context.print(`Feature ${test.feature}, "${test.label}". In which of these texts does it not fire?`);
        const texts = test.texts.map(({ tokens }) => tokens.join(''));
        for (const [index, text] of texts.entries()) context.print(`  ${index + 1}  …${oneLine(text)}…`);
        context.print(
          `errata label test ${dictionary} --feature ${test.feature} --seed ${test.seed} --answer N answers.`,
        );
        return { dictionary, feature: test.feature, seed: test.seed, label: test.label, texts };
      }
      if (feature === undefined || seed === undefined) {
        throw new AppError('usage', 'errata label test: an answer needs the --feature and the --seed of its test.');
      }
      const request = { dictionary, feature, seed, chosen: answer - 1 };
      const { isRight, intruder } = await answerIntruderTest(workbench, request, author, context.signal);
      const hash = await listedHash(workbench, dictionary);
      const { right, answered, interval, chance } = intruderFigures(workbench, { dictionary: hash }, author);
      context.print(isRight ? 'Right.' : `Wrong: it was ${intruder + 1}.`);
      context.print(
        `${right} of ${answered} (${percent(interval[0])} to ${percent(interval[1])}); guessing gives ${percent(chance)}.`,
      );
      return { dictionary, feature, seed, isRight, intruder: intruder + 1, right, answered, interval };
    }),
};

const labelAgreement: Command = {
  name: 'label agreement',
  summary: 'How your labels agree with those of others in the project, over the features that both have labelled.',
  usage: 'label agreement',
  options: { ...DICTIONARY_OPTION, ...AUTHOR_OPTION },
  run: (arguments_, context) =>
    withProjectToRead(context, (project) => {
      const dictionary = dictionaryHash(project, optionalText(arguments_, 'dictionary'));
      const { author } = authorOf(arguments_);
      const agreement = project.labels.agreement(dictionary, author);
      const { features, kappa, meanWordOverlap, textsCompared } = agreement;
      if (features === 0) context.print(`Nobody else has labelled what ${author} has labelled.`);
      else {
        context.print(`${features} features: kappa of the states ${kappa === null ? 'undefined' : kappa.toFixed(3)}.`);
        if (meanWordOverlap !== null) {
          context.print(`${textsCompared} texts share ${percent(meanWordOverlap)} of their words.`);
        }
      }
      const intruder = intruderFigures({ project }, { dictionary }, author);
      if (intruder.answered > 0) {
        const [low, high] = intruder.interval;
        context.print(
          `Blind tests: ${intruder.right} of ${intruder.answered} right (${percent(low)} to ${percent(high)}; ${percent(intruder.chance)} by chance).`,
        );
      }
      return { dictionary, author, ...agreement, intruder };
    }),
};

const ENDPOINT_OPTIONS: Readonly<Record<string, Option>> = {
  endpoint: { type: 'string', description: 'Where /chat/completions lies: http://127.0.0.1:8080/v1.' },
  model: { type: 'string', description: 'The model, as the server calls it.' },
  'allow-remote': { type: 'boolean', description: 'Examples may leave this machine: ask any address.' },
};

function endpointOf(arguments_: CommandArguments, command: string): Endpoint {
  return {
    url: requiredText(arguments_, 'endpoint', command),
    model: requiredText(arguments_, 'model', command),
    allowsRemote: flag(arguments_, 'allow-remote'),
  };
}

function featureNumber(text: string): number {
  if (/^#?\d{1,10}$/u.test(text)) return Number(text.replace('#', ''));
  throw new AppError('usage', `"${text.slice(0, 40)}" is not the number of a feature.`);
}

const featureAsk: ComputeCommand = {
  name: 'feature ask',
  summary: 'An idea for a label from a language model of your own (OpenAI’s chat completions). Saves nothing.',
  usage: 'feature ask DICTIONARY FEATURE --endpoint URL --model NAME',
  examples: ['feature ask first 137 --endpoint http://127.0.0.1:11434/v1 --model llama3.2'],
  options: ENDPOINT_OPTIONS,
  computesOn: 'cpu',
  run: (arguments_, context) =>
    inWorkbench(context, async (workbench) => {
      const [dictionary, feature] = positionals(arguments_, ['DICTIONARY', 'FEATURE'], 'feature ask');
      const asked = { dictionary, feature: featureNumber(feature) };
      const idea = await askForLabel(workbench, endpointOf(arguments_, 'feature ask'), asked, context.signal);
      context.print(`Suggestion of ${idea.model} (nothing is saved): ${idea.text}`);
      return { ...asked, ...idea };
    }),
};

const featureScore: ComputeCommand = {
  name: 'feature score',
  summary: 'Score a label by detection: a language model says by it in which held-out texts the feature fires.',
  usage: 'feature score DICTIONARY FEATURE LABEL --endpoint URL --model NAME',
  examples: ['feature score first 137 "capital cities" --endpoint http://127.0.0.1:8080/v1 --model local'],
  options: ENDPOINT_OPTIONS,
  computesOn: 'any',
  run: (arguments_, context) =>
    inWorkbench(context, async (workbench) => {
      const [dictionary, feature, text] = positionals(arguments_, ['DICTIONARY', 'FEATURE', 'LABEL'], 'feature score');
      const asked = { dictionary, feature: featureNumber(feature), text };
      const score = await scoreLabel(workbench, endpointOf(arguments_, 'feature score'), asked, context.signal);
      const { right, of, firing, silent, interval } = score;
      context.print(
        `${right} of ${of} right (${percent(interval[0])} to ${percent(interval[1])}); guessing gives 50%.`,
      );
      context.print(`  fires: ${firing.right} of ${firing.of}; does not fire: ${silent.right} of ${silent.of}`);
      return { ...asked, ...score };
    }),
};

export const labelTrialCommands: readonly AnyCommand[] = [labelTest, labelAgreement, featureAsk, featureScore];
