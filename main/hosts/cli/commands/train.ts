import { AppError } from '../../../contract/base/errors.ts';
import { resumeTraining, trainDictionary, type TrainRequest } from '../../../workbench/dictionaries.ts';
import { withWorkbench } from '../../../workbench/openWorkbench.ts';
import type { CommandArguments, ComputeCommand } from '../command.ts';
import { formatRate } from '../terminal.ts';
import { flag, given, oneOf, optionalNumber, positionals, requiredText } from '../values.ts';
import { printQuality } from './dictionary.ts';

export const trainCommand: ComputeCommand = {
  name: 'train',
  summary: 'Train a dictionary on captured activations.',
  usage: 'train NAME --activations STORE [--architecture batchtopk|topk] [--features N] [--k K] [--steps N]',
  examples: [
    'train first --activations stories.blocks.3.hook_resid_post --features 1024 --k 32 --steps 6000',
    'train first --resume',
  ],
  options: {
    activations: { type: 'string', short: 'a', description: 'The store of activations to train on.' },
    architecture: { type: 'string', description: 'batchtopk (default) or topk.' },
    features: { type: 'string', description: 'How many features; 1024 by default.' },
    k: {
      type: 'string',
      short: 'k',
      description: 'Features that fire on a token, on average (batchtopk) or exactly; 32.',
    },
    steps: { type: 'string', description: 'Training steps; 6000 by default.' },
    'batch-size': { type: 'string', description: 'Tokens per step; 2048 by default.' },
    'learning-rate': {
      type: 'string',
      description: 'By default 0.02 · √(1024 / features) · √(64 / width of the site).',
    },
    'warmup-steps': { type: 'string', description: 'Steps over which the learning rate rises.' },
    'aux-k': { type: 'string', description: 'Dead features that learn from the error of a token; 0 for none.' },
    seed: { type: 'string', description: '0 by default.' },
    'held-out': { type: 'string', description: 'Share of the contexts kept for evaluation; 0.1 by default.' },
    resume: { type: 'boolean', description: 'Go on with the run NAME, which stopped before its end.' },
  },
  computesOn: 'any',
  run: (arguments_, context) =>
    withWorkbench(context.projectFolder, { host: 'the command line', compute: context.compute }, async (workbench) => {
      const [name] = positionals(arguments_, ['NAME'], 'train');
      const result = flag(arguments_, 'resume')
        ? await resumeTraining(workbench, onlyName(arguments_, name), context.signal)
        : await trainDictionary(workbench, requestOf(arguments_, name), context.signal);
      context.print(`Trained ${name} at ${formatRate(result.tokensPerSecond, 'tokens')}.`);
      printQuality(result, context);
      return result;
    }),
};

/** A run that goes on does so with the settings that it was started with. */
function onlyName({ values }: CommandArguments, name: string): string {
  const other = Object.keys(values).find((option) => option !== 'resume');
  if (other === undefined) return name;
  throw new AppError(
    'usage',
    `errata train --resume goes on with the settings of ${name}: --${other} cannot be changed.`,
  );
}

function requestOf(arguments_: CommandArguments, name: string): TrainRequest {
  const whole = { min: 1, integer: true };
  return {
    name,
    activations: requiredText(arguments_, 'activations', 'train'),
    architecture: oneOf(arguments_, 'architecture', ['batchtopk', 'topk']) ?? 'batchtopk',
    size: optionalNumber(arguments_, 'features', whole) ?? 1024,
    k: optionalNumber(arguments_, 'k', whole) ?? 32,
    steps: optionalNumber(arguments_, 'steps', whole) ?? 6000,
    batchSize: optionalNumber(arguments_, 'batch-size', whole) ?? 2048,
    ...given('learningRate', optionalNumber(arguments_, 'learning-rate', { min: 0, max: 1 })),
    ...given('warmupSteps', optionalNumber(arguments_, 'warmup-steps', { min: 0, integer: true })),
    ...given('auxK', optionalNumber(arguments_, 'aux-k', { min: 0, integer: true })),
    ...given('seed', optionalNumber(arguments_, 'seed', { integer: true })),
    ...given('heldOutFraction', optionalNumber(arguments_, 'held-out', { min: 0, max: 1 })),
  };
}
