import { contract } from '../../../contract/api/contract.ts';
import { AppError } from '../../../contract/base/errors.ts';
import { captureJob, planCapture, prepareCapture, resumeCapture } from '../../../workbench/activations.ts';
import { runToEnd } from '../../../workbench/jobKind.ts';
import { nameFrom } from '../../../workbench/projectFolder.ts';
import { withWorkbench } from '../../../workbench/openWorkbench.ts';
import { askerOf, inputOf, type CommandAsker } from '../asker.ts';
import type { CommandArguments, ComputeCommand } from '../command.ts';
import { printCapturePlan } from '../plans.ts';
import { formatRate } from '../terminal.ts';
import { flag, given, oneOf, optionalNumber, optionalText, positionals, requiredText, texts } from '../values.ts';

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
    corpus: { type: 'string', description: 'A .txt or .jsonl file, or a folder of them.' },
    site: { type: 'string', multiple: true, description: 'A TransformerLens name; several are captured in one pass.' },
    name: { type: 'string', description: 'Of the store; MODEL.SITE when left out.' },
    'context-length': {
      type: 'string',
      description: 'Tokens per context, BOS included; 256 by default, where the model can.',
    },
    'max-contexts': { type: 'string', description: 'Stop after so many contexts.' },
    'batch-size': { type: 'string', description: 'Contexts per run of the model.' },
    dtype: { type: 'string', description: 'f32 (default) or f16, which takes half the space.' },
    field: { type: 'string', description: 'The member that holds the text, in .jsonl files; text by default.' },
    documents: { type: 'string', description: 'What a document is in a .txt file: file (default), line or paragraph.' },
    'shard-megabytes': { type: 'string', description: 'Size of the files of a store; 128 by default.' },
    resume: {
      type: 'boolean',
      description: 'Go on with the capture that stopped last. The same command again does it too.',
    },
  },
  computesOn: 'any',
  run: (arguments_, context) =>
    withWorkbench(context.projectFolder, { host: 'the command line', compute: context.compute }, async (workbench) => {
      const { signal } = context;
      const begin = async () => {
        const asker = askerOf(arguments_, context);
        const input = captureInput(arguments_, asker);
        printCapturePlan(await planCapture(workbench, input, asker), context);
        return runToEnd(workbench, captureJob, await prepareCapture(workbench, input, asker), { signal });
      };
      const result = flag(arguments_, 'resume') ? await resumeCapture(workbench, signal) : await begin();
      const { stores, tokens, contexts, tokensPerSecond } = result;
      const speed = result.tokensRun > 0 ? `, ${formatRate(tokensPerSecond, 'tokens')}` : '';
      context.print(`Captured ${tokens} tokens in ${contexts} contexts${speed}:`);
      for (const { name, site } of stores) context.print(`  ${name} (${site})`);
      return result;
    }),
};

function captureInput(arguments_: CommandArguments, { locate }: CommandAsker) {
  const [model] = positionals(arguments_, ['MODEL'], 'capture');
  const corpus = requiredText(arguments_, 'corpus', 'capture');
  const sites = texts(arguments_, 'site');
  if (sites.length === 0) throw new AppError('usage', 'errata capture: --site is missing.');
  const whole = { min: 1, integer: true };
  const megabytes = optionalNumber(arguments_, 'shard-megabytes', { min: 0.001 });
  return inputOf('capture', contract.activations.capture, {
    model,
    corpus: { from: 'location', location: locate(corpus) },
    sites,
    name: optionalText(arguments_, 'name') ?? nameFrom(sites.length === 1 ? `${model}.${sites[0]}` : model),
    ...given('contextLength', optionalNumber(arguments_, 'context-length', { min: 2, integer: true })),
    ...given('maxContexts', optionalNumber(arguments_, 'max-contexts', whole)),
    ...given('batchSize', optionalNumber(arguments_, 'batch-size', whole)),
    ...given('dtype', oneOf(arguments_, 'dtype', ['f32', 'f16'])),
    ...given('field', optionalText(arguments_, 'field')),
    ...given('textDocuments', oneOf(arguments_, 'documents', ['file', 'line', 'paragraph'])),
    ...given('shardBytes', megabytes === undefined ? undefined : Math.ceil(megabytes * (1 << 20))),
  });
}
