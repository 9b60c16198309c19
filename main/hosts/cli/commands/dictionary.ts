import { resolve } from 'node:path';
import { brokenLine } from '../../../workbench/projectFolder.ts';
import { byteSize, percent, shortNumber } from '../../../contract/base/figures.ts';
import { measurementSettings } from '../../../contract/domain/trainingSettings.ts';
import { lossRecoveredText } from '../../../contract/domain/lossRecovered.ts';
import { outliersText } from '../../../contract/domain/outlierWords.ts';
import {
  describeDictionary,
  evaluateJob,
  importShown,
  listWithJobs,
  prepareMeasurement,
} from '../../../workbench/dictionary.ts';
import { readDictionaries } from '../../../workbench/dictionaries.ts';
import { planImport } from '../../../workbench/importedDictionary.ts';
import { runToEnd } from '../../../workbench/jobKind.ts';
import { readRunCurves } from '../../../workbench/training.ts';
import { AppError } from '../../../contract/base/errors.ts';
import type { ReadingChanges } from '../../../contract/domain/importedDictionary.ts';
import type { CommandArguments, CommandContext, ComputeCommand } from '../command.ts';
import { inWorkbench } from '../openProject.ts';
import { optionsOfSettings, settingsFrom } from '../settingOptions.ts';
import { formatDuration } from '../terminal.ts';
import { PLAN_OPTION, printImportPlan } from '../plans.ts';
import { flag, given, optionalNumber, optionalText, positionals } from '../values.ts';

interface Quality {
  readonly fvu: number;
  readonly l0: number;
  readonly deadFraction: number;
  readonly tokens: number;
  readonly lossRecovered: number | null;
  /** Missing in what earlier versions measured. */
  readonly outliers?: number;
  /** Missing in what earlier versions measured. */
  readonly ceOriginal?: number;
  readonly ceReconstructed?: number;
  readonly ceZero?: number;
}

/** On held-out activations, in words. */
export function printQuality(quality: Quality, context: CommandContext, of = 'held-out tokens'): void {
  const { fvu, l0, deadFraction, tokens, outliers, ceOriginal, ceReconstructed, ceZero } = quality;
  context.print(`On ${tokens} ${of}${outliersText(outliers)}:`);
  context.print(`  variance not explained (FVU)  ${fvu.toFixed(4)}`);
  context.print(`  features per token (L0)       ${l0.toFixed(2)}`);
  context.print(`  features that never fired     ${percent(deadFraction)}`);
  const nats =
    ceOriginal === undefined || ceReconstructed === undefined || ceZero === undefined
      ? ''
      : ` (nats per token: ${ceOriginal.toFixed(4)} original, ${ceReconstructed.toFixed(4)} reconstructed, ${ceZero.toFixed(4)} zeroed)`;
  context.print(`  loss recovered                ${lossRecoveredText(quality)}${nats}`);
}

type Origin = Awaited<ReturnType<typeof describeDictionary>>['origin'];

function printTraining(origin: Extract<Origin, { from: 'training' }>, context: CommandContext): void {
  const { config, store, corpus, trainedTokens, seconds, heldOutFraction } = origin;
  const trained = trainedTokens === null ? 'not finished' : `${shortNumber(trainedTokens)} tokens`;
  context.print(
    `trained on ${store} (${corpus ?? 'a corpus that is not known'}), ${trained}${seconds === null ? '' : ` in ${formatDuration(seconds)}`}; ${percent(heldOutFraction)} held out`,
  );
  for (const [setting, value] of Object.entries(config)) context.print(`  ${setting.padEnd(20)} ${String(value)}`);
}

function printImport(origin: Extract<Origin, { from: 'import' }>, site: string, context: CommandContext): void {
  const { source, layoutTitle, imported, conclusions } = origin;
  context.print(`imported ${imported.slice(0, 10)} from ${source.path} (${layoutTitle}, ${byteSize(source.bytes)})`);
  for (const conclusion of conclusions) context.print(`  ${conclusion}`);
  printCheck(origin.check, { path: source.path, site }, context);
}

function printCheck(
  check: Extract<Origin, { from: 'import' }>['check'],
  { path, site }: { readonly path: string; readonly site: string },
  context: CommandContext,
): void {
  if (check === null) {
    context.print('Unchecked: nothing shows that it belongs to this model and site.');
    return;
  }
  const { verdict, reasons, rows, better, tokens, text, ceOriginal, ceReconstructed, ceZero, fvuWithFirst } = check;
  context.print(`Check: ${verdict}. ${reasons.join(' ')}`);
  context.print(`On ${tokens} tokens of ${text}:`);
  for (const [index, { words, fvu, l0, deadFraction }] of rows.entries()) {
    const mark = index === better ? '>' : ' ';
    const figures = `FVU ${fvu.toFixed(4).padStart(9)}  L0 ${l0.toFixed(1).padStart(7)}  ${percent(deadFraction).padStart(6)} silent`;
    context.print(` ${mark} ${figures}  ${words}`);
  }
  context.print(`  with the first token of every text counted: FVU ${fvuWithFirst.toFixed(4)}`);
  context.print(
    `  loss ${ceOriginal.toFixed(4)} original, ${ceReconstructed.toFixed(4)} reconstructed, ${ceZero.toFixed(4)} with zero`,
  );
  const row = better === null ? undefined : rows[better];
  if (row) context.print(`To import it so: errata dictionary import ${path} ${optionsOf({ site, ...row.changes })}`);
}

function optionsOf({
  site,
  subtractsDecoderBias,
  isTransposed,
  scale,
}: ReadingChanges & { readonly site?: string }): string {
  return [
    ...(site === undefined ? [] : ['--site', site]),
    ...(subtractsDecoderBias === undefined ? [] : ['--subtract-bias', subtractsDecoderBias ? 'yes' : 'no']),
    ...(isTransposed === true ? ['--transposed'] : []),
    ...(scale === undefined ? [] : ['--scale', String(scale)]),
  ].join(' ');
}

/** @throws AppError `usage`. */
function yesOrNo(arguments_: CommandArguments, name: string): boolean | undefined {
  const said = optionalText(arguments_, name);
  if (said === undefined || said === 'yes' || said === 'no') return said === undefined ? undefined : said === 'yes';
  throw new AppError('usage', `--${name} is "yes" or "no", not "${said.slice(0, 40)}".`);
}

const dictionaryList: ComputeCommand = {
  name: 'dictionary list',
  summary: 'List the dictionaries of the project, and the runs that have not finished.',
  usage: 'dictionary list',
  options: {},
  computesOn: 'cpu',
  run: (arguments_, context) =>
    inWorkbench(context, async (workbench) => {
      positionals(arguments_, [], 'dictionary list');
      const dictionaries = await listWithJobs(workbench);
      const { broken } = await readDictionaries(workbench.project.folder);
      for (const folder of broken) context.print(brokenLine(folder));
      if (dictionaries.length === 0) context.print('No dictionaries yet. errata train makes one.');
      for (const { name, origin, architecture, size, k, site, model, quality } of dictionaries) {
        const state = quality
          ? `FVU ${quality.fvu.toFixed(4)}, L0 ${quality.l0.toFixed(1)}, ${percent(quality.deadFraction)} dead`
          : origin === 'import'
            ? 'imported, not measured'
            : 'not finished';
        const competing = k === null ? '' : `, k ${k}`;
        context.print(`${name}: ${architecture}, ${size} features${competing}, ${model.name} ${site}: ${state}`);
      }
      return { dictionaries, broken };
    }),
};

const dictionaryEvaluate: ComputeCommand = {
  name: 'dictionary evaluate',
  summary: 'Measure a dictionary on held-out activations and text.',
  usage: 'dictionary evaluate NAME [--activations STORE] [--held-out SHARE]',
  examples: ['dictionary evaluate first --json'],
  options: {
    activations: { type: 'string', short: 'a', description: 'Another store than the one that it was trained on.' },
    ...optionsOfSettings(measurementSettings),
  },
  computesOn: 'any',
  run: (arguments_, context) =>
    inWorkbench(context, async (workbench) => {
      const [name] = positionals(arguments_, ['NAME'], 'dictionary evaluate');
      const request = {
        name,
        ...given('activations', optionalText(arguments_, 'activations')),
        ...settingsFrom(measurementSettings, arguments_),
      };
      const quality = await runToEnd(workbench, evaluateJob, await prepareMeasurement(workbench, request), {
        signal: context.signal,
      });
      printQuality(quality, context);
      return quality;
    }),
};

const dictionaryShow: ComputeCommand = {
  name: 'dictionary show',
  summary: 'Show a dictionary: where it comes from, how good it is, how often its features fire.',
  usage: 'dictionary show NAME',
  options: {},
  computesOn: 'cpu',
  run: (arguments_, context) =>
    inWorkbench(context, async (workbench) => {
      const [name] = positionals(arguments_, ['NAME'], 'dictionary show');
      const described = await describeDictionary(workbench, { name });
      const { dictionary, origin } = described;
      context.print(`${name}: ${dictionary.architecture} on ${dictionary.model.name} ${dictionary.site}`);
      if (origin.from === 'training') printTraining(origin, context);
      else printImport(origin, dictionary.site, context);
      const of = origin.from === 'import' ? 'tokens of the check' : 'held-out tokens';
      if (dictionary.quality) printQuality(dictionary.quality, context, of);
      return described;
    }),
};

const dictionaryCurves: ComputeCommand = {
  name: 'dictionary curves',
  summary: 'The recorded curves of a run, as a table with tabs between, for a spreadsheet or a plot.',
  usage: 'dictionary curves NAME',
  examples: ['dictionary curves first > curves.tsv'],
  options: {},
  computesOn: 'cpu',
  run: (arguments_, context) =>
    inWorkbench(context, async (workbench) => {
      const [name] = positionals(arguments_, ['NAME'], 'dictionary curves');
      const { points } = await readRunCurves(workbench, { name });
      const [first] = points;
      const columns = Object.keys(first ?? {}) as (keyof NonNullable<typeof first>)[];
      if (first) context.print(columns.join('\t'));
      else context.print('No curves yet.');
      for (const point of points) context.print(columns.map((column) => String(point[column] ?? '')).join('\t'));
      return { points };
    }),
};

const dictionaryImport: ComputeCommand = {
  name: 'dictionary import',
  summary: 'Import a dictionary made elsewhere. What was concluded about it, and from what, is printed.',
  usage: 'dictionary import PATH [--site SITE] [--name NAME] [--model MODEL] [--corpus FILE] [--plan]',
  examples: [
    'dictionary import ~/saes/resid_post_layer_8/trainer_0',
    'dictionary import ae.pt --site blocks.8.hook_resid_post --name pythia-8 --plan',
  ],
  options: {
    site: { type: 'string', description: 'Where it was trained; what the file says when left out.' },
    name: { type: 'string', description: "Its name in the project; its file's or folder's when left out." },
    model: { type: 'string', description: 'The model; the only one of the project that it fits when left out.' },
    corpus: { type: 'string', description: 'The text to check it on; one of the project when left out.' },
    unchecked: { type: 'boolean', description: 'Keep it without a check against the model.' },
    'subtract-bias': {
      type: 'string',
      description: 'yes or no: subtract the decoder bias before encoding, whatever the layout says.',
    },
    transposed: { type: 'boolean', description: 'Of a square dictionary: exchange rows and columns of both matrices.' },
    scale: { type: 'string', description: 'It was trained on activations times this number.' },
    ...PLAN_OPTION,
  },
  computesOn: 'any',
  run: (arguments_, context) =>
    inWorkbench(context, async (workbench) => {
      const [path] = positionals(arguments_, ['PATH'], 'dictionary import');
      const corpus = optionalText(arguments_, 'corpus');
      const { signal } = context;
      const request = {
        path: resolve(path),
        ...given('site', optionalText(arguments_, 'site')),
        ...given('name', optionalText(arguments_, 'name')),
        ...given('model', optionalText(arguments_, 'model')),
        ...given('corpus', corpus === undefined ? undefined : resolve(corpus)),
        ...given('subtractsDecoderBias', yesOrNo(arguments_, 'subtract-bias')),
        ...(flag(arguments_, 'transposed') ? { isTransposed: true } : {}),
        ...given('scale', optionalNumber(arguments_, 'scale', { min: 1e-12 })),
        isChecked: !flag(arguments_, 'unchecked'),
      };
      const plan = await planImport(workbench, request, { signal });
      printImportPlan(plan, context);
      if (flag(arguments_, 'plan')) return { plan };
      const dictionary = await importShown(workbench, request, { signal });
      const { origin } = await describeDictionary(workbench, { name: dictionary.name });
      const check = origin.from === 'import' ? origin.check : null;
      context.print(`Imported ${dictionary.name}.`);
      printCheck(check, { path, site: dictionary.site }, context);
      return { plan, dictionary, check };
    }),
};

export const dictionaryCommands = [
  dictionaryImport,
  dictionaryList,
  dictionaryShow,
  dictionaryCurves,
  dictionaryEvaluate,
];
