import { AppError } from '../../../contract/base/errors.ts';
import { resolveModel } from '../../../workbench/models.ts';
import type { ComputeCommand } from '../command.ts';
import { EDIT_OPTIONS } from '../editOptions.ts';
import { generateCompared, isSideBySide } from '../sideBySide.ts';
import { harmless } from '../terminal.ts';
import { flag, given, integers, optionalNumber, optionalText, positionals, texts } from '../values.ts';

export const generateCommand: ComputeCommand = {
  name: 'generate',
  summary: 'Generate text from a prompt; with an edit or an instruction, next to the original.',
  usage: 'generate MODEL --prompt TEXT [--prompt TEXT …] [--version V | --edit FILE | --dictionary D --op OPERATION …]',
  examples: [
    'generate stories --prompt "Once upon a time"',
    'generate gpt2 --prompt "The capital of France is" --temperature 0.8 --top-p 0.95 --seed 7 --json',
    'generate sorter --ids 2,0,1,1,0,2 --max-new-tokens 6',
    'generate sample --prompt "What is the capital of France?" --chat --version main',
    'generate sample --prompt "Who are you?" --chat -d first --op steer:9:4 --instruction "Be brief." --json',
  ],
  options: {
    prompt: {
      type: 'string',
      multiple: true,
      description: 'The text to go on from; given several times, several texts.',
    },
    ids: { type: 'string', description: 'Token ids with commas between, instead of a text.' },
    'max-new-tokens': { type: 'string', short: 'n', description: 'How many tokens at most; 64 by default.' },
    temperature: { type: 'string', short: 't', description: '0, the default, always takes the likeliest token.' },
    'top-k': { type: 'string', description: 'Choose among the K likeliest tokens only.' },
    'top-p': { type: 'string', description: 'Choose among the fewest tokens whose probabilities add up to P.' },
    seed: { type: 'string', description: 'The same seed gives the same text; 0 by default.' },
    ...EDIT_OPTIONS,
    instruction: {
      type: 'string',
      description: 'Also what this instruction does without any edit: before the prompt, or as its system text.',
    },
    chat: { type: 'boolean', description: 'Put the text into the chat template of the model.' },
    'ignore-stops': { type: 'boolean', description: 'Go on after a token that ends a text.' },
  },
  computesOn: 'any',
  run: async (arguments_, context) => {
    const [name] = positionals(arguments_, ['MODEL'], 'generate');
    const ids = optionalText(arguments_, 'ids');
    const prompts = [...texts(arguments_, 'prompt'), ...(ids === undefined ? [] : [integers(ids, 'ids')])];
    if (prompts.length === 0) throw new AppError('usage', 'errata generate: --prompt or --ids is missing.');
    const temperature = optionalNumber(arguments_, 'temperature', { min: 0 });
    const options = {
      maxNewTokens: optionalNumber(arguments_, 'max-new-tokens', { min: 0, integer: true }) ?? 64,
      ...given('temperature', temperature),
      ...given('topK', optionalNumber(arguments_, 'top-k', { min: 1, integer: true })),
      ...given('topP', optionalNumber(arguments_, 'top-p', { min: 0, max: 1 })),
      ...given('seed', optionalNumber(arguments_, 'seed', { min: 0, integer: true })),
      ignoreStops: flag(arguments_, 'ignore-stops'),
    };
    if (temperature === undefined && (options.topK !== undefined || options.topP !== undefined)) {
      throw new AppError('usage', '--top-k and --top-p choose at random: they need a --temperature above 0.');
    }
    if (isSideBySide(arguments_))
      return generateCompared(arguments_, context, { model: name, prompts, sampling: options });
    const { folder, bos } = await resolveModel(context.projectFolder, name);
    // One text appears as it is written; several would be mixed up.
    const isStreamed = !context.json && prompts.length === 1;
    if (isStreamed) await context.device(); // it is told on a line of its own, before the prompt is written
    if (isStreamed && typeof prompts[0] === 'string') process.stdout.write(harmless(prompts[0]));
    const show = ({ text, id }: { text: string | null; id: number }) =>
      process.stdout.write(text === null ? ` ${id}` : harmless(text));
    const result = await context.compute(
      'model.generate',
      { folder, bos, prompts, ...options },
      isStreamed ? { onChunk: show } : {},
    );
    if (isStreamed) context.print('');
    else {
      for (const [index, { text, ids: generated }] of result.generations.entries()) {
        const prompt = prompts[index];
        context.print(`${typeof prompt === 'string' ? prompt : ''}${text ?? generated.join(' ')}\n`);
      }
    }
    return { text: result.generations[0]?.text ?? null, ...result };
  },
};
