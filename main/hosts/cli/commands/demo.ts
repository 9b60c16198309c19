import { BASELINE_NAMES, type BaselineKind } from '../../../contract/domain/rivals.ts';
import { verdictSentence } from '../../../contract/domain/verdictWords.ts';
import { exponential, percent } from '../../../contract/base/figures.ts';
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { runDemo, type DemoBehaviour, type DemoFigure } from '../../../workbench/demo.ts';
import type { CommandContext, ComputeCommand } from '../command.ts';
import { sampleFolder } from '../sampleFolder.ts';
import { formatDuration } from '../terminal.ts';
import { optionalText, positionals, texts } from '../values.ts';

export const demoCommand: ComputeCommand = {
  name: 'demo',
  summary:
    'The whole story on the sample that comes with the program: find, remove, measure and export what is planted in it.',
  usage: 'demo [--keep DIR] [--only BEHAVIOUR …]',
  examples: ['demo', 'demo --keep ./demo --json'],
  options: {
    keep: { type: 'string', description: 'The folder of the new project; a new temporary one when left out.' },
    sample: {
      type: 'string',
      description: 'Another sample than the program’s: a folder laid out like resources/sample, with a demo.json.',
    },
    only: { type: 'string', multiple: true, description: 'Only this behaviour of the sample.' },
  },
  computesOn: 'any',
  run: async (arguments_, context) => {
    positionals(arguments_, [], 'demo');
    const kept = optionalText(arguments_, 'keep');
    const folder = kept === undefined ? join(await mkdtemp(join(tmpdir(), 'errata-demo-')), 'project') : resolve(kept);
    const only = texts(arguments_, 'only');
    const given = optionalText(arguments_, 'sample');
    const result = await runDemo({
      folder,
      sample: given === undefined ? await sampleFolder() : resolve(given),
      compute: context.compute,
      signal: context.signal,
      say: (line) => context.print(line),
      ...(only.length > 0 ? { only } : {}),
    });
    for (const [name, behaviour] of Object.entries(result.behaviours)) printBehaviour(name, behaviour, context);
    for (const name of result.notFound) context.print(`\n${name}: no feature was found whose change lowers it.`);
    context.print(
      `\nAll exports, loaded afresh: logits differ by at most ${exponential(result.export.maxAbsLogitDiff, 2)}, greedy texts agree in ${percent(result.export.greedyAgreement)} of the tokens.`,
    );
    const { seconds, stages } = result;
    const parts = Object.entries(stages).map(([stage, spent]) => `${stage} ${formatDuration(spent)}`);
    context.print(`It took ${formatDuration(seconds)}: ${parts.join(', ')}.`);
    context.print(`Everything is in ${folder}: errata --project ${folder} works on it.`);
    return {
      ...result.behaviours,
      project: folder,
      dictionary: result.dictionary,
      notFound: result.notFound,
      export: result.export,
      seconds,
      stages,
    };
  },
};

function printBehaviour(name: string, behaviour: DemoBehaviour, context: CommandContext): void {
  const {
    target,
    sound,
    replacement,
    collateral,
    baselines,
    features,
    patchBytes,
    verdict,
    version,
    report,
    artifact,
  } = behaviour;
  const isRate = target.measure === 'rate';
  const heading = `\n${name}: ${features} feature${features === 1 ? '' : 's'} changed, ${(patchBytes / 1024).toFixed(1)} KiB, version ${version.slice(0, 10)}`;
  context.print(heading);
  context.print(
    `  ${'measured on held-out prompts'.padEnd(34)}${'before'.padStart(9)}${'after'.padStart(9)}   95% interval       n`,
  );
  printRow(isRate ? 'shows it' : 'mean difference (nats)', target, isRate ? percent : decimals, context);
  if (sound) printRow('sound answers where it is gone', sound, percent, context);
  for (const [key, figure] of Object.entries(collateral)) {
    const isText = key === 'crossEntropy' || key === 'kl';
    const title =
      key === 'crossEntropy'
        ? 'cross-entropy (nats per token)'
        : key === 'kl'
          ? 'KL along own text (nats per token)'
          : key;
    printRow(title, figure, isText ? decimals : percent, context);
  }
  context.print('  next to it: how much of the behaviour remains, and what else is preserved');
  for (const [kind, { remaining, sound: isSound, kept, failure }] of Object.entries(baselines)) {
    const text =
      failure ??
      `${remaining === null ? '–' : percent(remaining)} left, ${isSound === null ? '' : `${percent(isSound)} sound, `}${kept === null ? '–' : percent(kept)} kept`;
    context.print(`    ${BASELINE_NAMES[kind as BaselineKind].padEnd(36)}${text}`);
  }
  if (replacement !== null) context.print(`  ${replacement}`);
  if (verdict) {
    context.print(`  ${verdictSentence(verdict)}`);
  }
  context.print(`  report ${report}`);
  context.print(`  patched model ${artifact}`);
}

function printRow(
  title: string,
  { before, after, ci, n }: DemoFigure,
  format: (value: number) => string,
  context: CommandContext,
): void {
  const interval = `${format(ci[0])} – ${format(ci[1])}`;
  context.print(
    `  ${title.padEnd(34)}${format(before).padStart(9)}${format(after).padStart(9)}   ${interval.padEnd(17)}${String(n).padStart(5)}`,
  );
}

function decimals(value: number): string {
  return value.toFixed(4);
}
