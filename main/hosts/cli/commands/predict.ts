import { percent } from '../../../contract/base/figures.ts';
import { contract } from '../../../contract/api/contract.ts';
import { EMPTY_EDIT } from '../../../contract/domain/edit.ts';
import { predictNextTokens } from '../../../workbench/model.ts';
import { findModel } from '../../../workbench/models.ts';
import { compareNextTokens } from '../../../workbench/playground.ts';
import { inputOf } from '../asker.ts';
import type { ComputeCommand } from '../command.ts';
import { inWorkbench } from '../openProject.ts';
import { EDIT_OPTIONS, editOf, namesEdit } from '../editOptions.ts';
import { flag, given, integers, optionalNumber, optionalText, positionals, requiredText } from '../values.ts';

/** With the white space and line breaks that a token is made of. */
const quoted = (text: string) => JSON.stringify(text);

export const predictCommand: ComputeCommand = {
  name: 'predict',
  summary: 'Show the likeliest next tokens after a text; with an edit, how it changes them.',
  usage: 'predict MODEL --prompt TEXT [--version V | --edit FILE | --dictionary D --op OPERATION …]',
  examples: [
    'predict stories --prompt "Once upon a"',
    'predict sorter --ids 2,0,1',
    'predict sample --prompt "What is the capital of France?" --chat --version main --count 20 --json',
  ],
  options: {
    prompt: { type: 'string', description: 'The text.' },
    ids: { type: 'string', description: 'Token ids with commas between, instead of a text.' },
    count: { type: 'string', short: 'n', description: 'How many tokens; 10 by default.' },
    position: {
      type: 'string',
      description: 'After this token of the text, counted from 0, instead of after the last.',
    },
    ...EDIT_OPTIONS,
    chat: { type: 'boolean', description: 'Put the text into the chat template of the model.' },
  },
  computesOn: 'any',
  run: (arguments_, context) =>
    inWorkbench(context, async (workbench) => {
      const [name] = positionals(arguments_, ['MODEL'], 'predict');
      const ids = optionalText(arguments_, 'ids');
      const prompt = ids === undefined ? requiredText(arguments_, 'prompt', 'predict') : integers(ids, 'ids');
      const count = optionalNumber(arguments_, 'count', { min: 1, max: 200, integer: true }) ?? 10;
      const position = optionalNumber(arguments_, 'position', { min: 0, integer: true });
      const { signal } = context;
      if (typeof prompt === 'string' && !namesEdit(arguments_) && !flag(arguments_, 'chat') && position === undefined) {
        const input = inputOf('predict', contract.model.nextTokens, { model: name, prompt, count });
        const plain = await predictNextTokens(workbench, input, signal);
        for (const { text, probability } of plain.next) {
          context.print(`${percent(probability).padStart(7)}  ${quoted(text)}`);
        }
        return plain;
      }
      const model = await findModel(workbench.project.folder, name);
      const { edit } = namesEdit(arguments_) ? await editOf(arguments_, workbench, 'predict') : { edit: EMPTY_EDIT };
      const { operations } = edit;
      const compared = await compareNextTokens(
        workbench,
        {
          model,
          operations,
          prompt,
          raw: !flag(arguments_, 'chat'),
          continuation: [],
          count,
          ...given('position', position),
        },
        signal,
      );
      for (const { text, original, patched, logitDifference } of compared.next) {
        const change =
          patched === null ? '' : ` → ${percent(patched).padStart(7)}  (logit ${signed(logitDifference ?? 0)})`;
        context.print(`${percent(original).padStart(7)}${change}  ${quoted(text)}`);
      }
      if (compared.kl !== null) context.print(`KL ${compared.kl.toPrecision(3)} nats`);
      return compared;
    }),
};

function signed(value: number): string {
  return `${value < 0 ? '−' : '+'}${Math.abs(value).toFixed(2)}`;
}
