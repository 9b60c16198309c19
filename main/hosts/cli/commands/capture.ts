import { contract } from '../../../contract/api/contract.ts';
import { AppError } from '../../../contract/base/errors.ts';
import { captureSettings } from '../../../contract/domain/captureSettings.ts';
import { captureJob, planCapture, prepareCapture, resumeCapture } from '../../../workbench/activations.ts';
import { runToEnd } from '../../../workbench/jobKind.ts';
import { nameFrom } from '../../../workbench/projectFolder.ts';
import { askerOf, inputOf, type CommandAsker } from '../asker.ts';
import type { CommandArguments, ComputeCommand } from '../command.ts';
import { inWorkbench } from '../openProject.ts';
import { PLAN_OPTION, printCapturePlan } from '../plans.ts';
import { formatRate } from '../terminal.ts';
import { optionsOfSettings, settingsFrom } from '../settingOptions.ts';
import { flag, optionalText, positionals, requiredText, texts } from '../values.ts';

export const captureCommand: ComputeCommand = {
  name: 'capture',
  summary: 'Run a model over a corpus and keep its activations at one or more sites.',
  usage: 'capture MODEL --corpus PATH --site SITE [--site SITE …] [--name NAME]',
  examples: [
    'capture stories --corpus tiny_stories.txt --site blocks.3.hook_resid_post --context-length 256',
    'capture gpt2 --corpus texts.jsonl --field body --site blocks.6.hook_resid_pre --dtype f16 --max-contexts 20000',
    'capture --resume',
  ],
  options: {
    corpus: {
      type: 'string',
      description: 'A .txt, .jsonl, .json or .parquet file, also compressed, or a folder of them.',
    },
    site: { type: 'string', multiple: true, description: 'A TransformerLens name; several are captured in one pass.' },
    name: { type: 'string', description: 'Of the store; MODEL.SITE when left out.' },
    ...optionsOfSettings(captureSettings),
    resume: {
      type: 'boolean',
      description: 'Continue the capture that stopped last. Running the same command again does it too.',
    },
    ...PLAN_OPTION,
  },
  computesOn: 'any',
  run: (arguments_, context) =>
    inWorkbench(context, async (workbench) => {
      const { signal } = context;
      const begin = async () => {
        const asker = askerOf(arguments_, context);
        const input = captureInput(arguments_, asker);
        const plan = await planCapture(workbench, input, asker);
        printCapturePlan(plan, context);
        const request = await prepareCapture(workbench, input, asker);
        return flag(arguments_, 'plan') ? { plan } : runToEnd(workbench, captureJob, request, { signal });
      };
      const result = flag(arguments_, 'resume') ? await resumeCapture(workbench, signal) : await begin();
      if ('plan' in result) return result.plan;
      const { stores, tokens, contexts, tokensPerSecond } = result;
      const speed = result.tokensRun > 0 ? `, ${formatRate(tokensPerSecond, 'tokens')}` : '';
      context.print(`Captured ${tokens} tokens in ${contexts} contexts${speed}:`);
      for (const { name, site } of stores) context.print(`  ${name} (${site})`);
      if (result.leftOut > 0) context.print(`Left out ${result.leftOut} rows with null in place of a text.`);
      return result;
    }),
};

function captureInput(arguments_: CommandArguments, { locate }: CommandAsker) {
  const [model] = positionals(arguments_, ['MODEL'], 'capture');
  const corpus = requiredText(arguments_, 'corpus', 'capture');
  const sites = texts(arguments_, 'site');
  if (sites.length === 0) throw new AppError('usage', 'errata capture: --site is missing.');
  return inputOf('capture', contract.activations.capture, {
    model,
    corpus: { from: 'location', location: locate(corpus) },
    sites,
    name: optionalText(arguments_, 'name') ?? nameFrom(sites.length === 1 ? `${model}.${sites[0]}` : model),
    ...settingsFrom(captureSettings, arguments_),
  });
}
