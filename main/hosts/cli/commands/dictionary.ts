import { percent } from '../../../contract/base/figures.ts';
import { measurementSettings } from '../../../contract/domain/trainingSettings.ts';
import { listDictionaries } from '../../../workbench/dictionaries.ts';
import { evaluateJob, prepareMeasurement } from '../../../workbench/dictionary.ts';
import { runToEnd } from '../../../workbench/jobKind.ts';
import { withWorkbench } from '../../../workbench/openWorkbench.ts';
import type { CommandContext, ComputeCommand } from '../command.ts';
import { optionsOfSettings, settingsFrom } from '../settingOptions.ts';
import { given, optionalText, positionals } from '../values.ts';

interface Quality {
  readonly fvu: number;
  readonly l0: number;
  readonly deadFraction: number;
  readonly tokens: number;
  readonly lossRecovered: number;
  readonly ceOriginal: number;
  readonly ceReconstructed: number;
  readonly ceZero: number;
}

/** On held-out activations, in words. */
export function printQuality(quality: Quality, context: CommandContext): void {
  const { fvu, l0, deadFraction, tokens, lossRecovered, ceOriginal, ceReconstructed, ceZero } = quality;
  context.print(`On ${tokens} held-out tokens:`);
  context.print(`  variance not explained (FVU)  ${fvu.toFixed(4)}`);
  context.print(`  features per token (L0)       ${l0.toFixed(2)}`);
  context.print(`  features that never fired     ${percent(deadFraction)}`);
  context.print(
    `  loss recovered                ${percent(lossRecovered)} ` +
      `(nats per token: ${ceOriginal.toFixed(4)} original, ${ceReconstructed.toFixed(4)} reconstructed, ${ceZero.toFixed(4)} zeroed)`,
  );
}

const dictionaryList: ComputeCommand = {
  name: 'dictionary list',
  summary: 'List the dictionaries of the project, and the runs that have not finished.',
  usage: 'dictionary list',
  options: {},
  computesOn: 'cpu',
  run: (arguments_, context) =>
    withWorkbench(context.projectFolder, { host: 'the command line', compute: context.compute }, async (workbench) => {
      positionals(arguments_, [], 'dictionary list');
      const dictionaries = await listDictionaries(workbench);
      if (dictionaries.length === 0) context.print('No dictionaries yet. errata train makes one.');
      for (const { name, architecture, size, k, site, model, quality } of dictionaries) {
        const state = quality
          ? `FVU ${quality.fvu.toFixed(4)}, L0 ${quality.l0.toFixed(1)}, ${percent(quality.deadFraction)} dead`
          : 'not finished';
        context.print(`${name}: ${architecture}, ${size} features, k ${k}, ${model.name} ${site}: ${state}`);
      }
      return { dictionaries };
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
    withWorkbench(context.projectFolder, { host: 'the command line', compute: context.compute }, async (workbench) => {
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

export const dictionaryCommands = [dictionaryList, dictionaryEvaluate];
