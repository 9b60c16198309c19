import { contract } from '../../../contract/api/contract.ts';
import { AppError } from '../../../contract/base/errors.ts';
import { TRAINED_KIND_NAMES } from '../../../contract/domain/dictionaryKinds.ts';
import { runSettings, usualSize } from '../../../contract/domain/trainingSettings.ts';
import { readStore } from '../../../workbench/activations.ts';
import { runToEnd } from '../../../workbench/jobKind.ts';
import { planTraining, prepareTraining, resumeTraining, trainJob } from '../../../workbench/training.ts';
import type { Workbench } from '../../../workbench/workbench.ts';
import { inputOf } from '../asker.ts';
import type { CommandArguments, ComputeCommand } from '../command.ts';
import { inWorkbench } from '../openProject.ts';
import { PLAN_OPTION, printTrainingPlan } from '../plans.ts';
import { formatRate } from '../terminal.ts';
import { optionsOfSettings, settingsFrom } from '../settingOptions.ts';
import { flag, optionalText, positionals, requiredText } from '../values.ts';
import { printQuality } from './dictionary.ts';

export const trainCommand: ComputeCommand = {
  name: 'train',
  summary: 'Train a dictionary on captured activations.',
  usage: `train NAME --activations STORE [--architecture ${TRAINED_KIND_NAMES.join('|')}] [--features N] [--k K] [--steps N]`,
  examples: [
    'train first --activations stories.blocks.3.hook_resid_post --features 1024 --k 32 --steps 6000',
    'train first --resume',
  ],
  options: {
    activations: { type: 'string', short: 'a', description: 'The store of activations to train on.' },
    ...optionsOfSettings(runSettings),
    resume: { type: 'boolean', description: 'Continue the run NAME, which stopped before its end.' },
    ...PLAN_OPTION,
  },
  computesOn: 'any',
  run: (arguments_, context) =>
    inWorkbench(context, async (workbench) => {
      const [name] = positionals(arguments_, ['NAME'], 'train');
      const begin = async () => {
        const input = await trainInput(workbench, arguments_, name);
        const request = await prepareTraining(workbench, input);
        const plan = await planTraining(workbench, input);
        printTrainingPlan(plan, context);
        return flag(arguments_, 'plan') ? { plan } : runToEnd(workbench, trainJob, request, { signal: context.signal });
      };
      const result = flag(arguments_, 'resume')
        ? await resumeTraining(workbench, onlyName(arguments_, name), context.signal)
        : await begin();
      if ('plan' in result) return result.plan;
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
    `errata train --resume continues with the settings of ${name}: --${other} cannot be changed.`,
  );
}

async function trainInput(workbench: Workbench, arguments_: CommandArguments, name: string) {
  const activations = requiredText(arguments_, 'activations', 'train');
  const given = settingsFrom(runSettings, arguments_);
  const size =
    optionalText(arguments_, 'features') === undefined
      ? usualSize((await readStore(workbench, activations)).width)
      : given.size;
  return inputOf('train', contract.dictionary.train, { name, activations, ...given, size });
}
