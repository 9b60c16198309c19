// errata generate with an edit or an instruction: the original and the treated text side by side, token by token, with the KL of
// each token.
import { EMPTY_EDIT } from '../../contract/domain/edit.ts';
import { editId } from '../../core/edits/edit.ts';
import { shortId } from '../../core/edits/version.ts';
import { findModel } from '../../workbench/models.ts';
import { generateSideBySide, type SideBySideRequest } from '../../workbench/playground.ts';
import type { CommandArguments, ComputeContext } from './command.ts';
import { inWorkbench } from './openProject.ts';
import { editOf, namesEdit } from './editOptions.ts';
import { harmless } from './terminal.ts';
import { flag, optionalText } from './values.ts';

type Sampling = Pick<SideBySideRequest, 'maxNewTokens' | 'temperature' | 'topK' | 'topP' | 'seed' | 'ignoreStops'>;

export function isSideBySide(arguments_: CommandArguments): boolean {
  return namesEdit(arguments_) || optionalText(arguments_, 'instruction') !== undefined || flag(arguments_, 'chat');
}

export async function generateCompared(
  arguments_: CommandArguments,
  context: ComputeContext,
  { model: name, prompts, sampling }: { model: string; prompts: readonly (string | number[])[]; sampling: Sampling },
) {
  return inWorkbench(context, async (workbench) => {
    const model = await findModel(workbench.project.folder, name);
    const { edit, provenance } = namesEdit(arguments_)
      ? await editOf(arguments_, workbench, 'generate')
      : { edit: EMPTY_EDIT, provenance: {} };
    const instruction = optionalText(arguments_, 'instruction') ?? '';
    const by = edit.operations.length === 0 ? null : { edit: editId(edit), version: provenance['version'] ?? null };
    const names = {
      original: 'original',
      patched:
        by === null
          ? ''
          : by.version === null
            ? `patched, edit ${shortId(by.edit)}`
            : `patched, version ${shortId(by.version)}`,
      instructed: `instruction only, ${JSON.stringify(instruction)}`,
    };
    const compared = [];
    for (const prompt of prompts) {
      const tokens: { column: string; id: number; token: string; kl: number | null }[] = [];
      const { columns, promptText } = await generateSideBySide(
        workbench,
        { model, operations: edit.operations, prompt, raw: !flag(arguments_, 'chat'), instruction, ...sampling },
        { signal: context.signal, onChunk: (token) => tokens.push(token) },
      );
      if (!context.json) context.print(harmless(promptText));
      const withKl = columns.map(({ column, ...rest }) => {
        const own = tokens.filter((token) => token.column === column);
        const known = own.flatMap(({ kl }) => (kl === null ? [] : [kl]));
        const meanKl = known.length === 0 ? null : known.reduce((sum, kl) => sum + kl, 0) / known.length;
        context.print(`\n[${names[column]}]${meanKl === null ? '' : ` mean KL ${meanKl.toPrecision(3)} nats`}`);
        context.print(harmless(rest.text));
        const divergent = own.filter(({ kl }) => kl !== null && kl >= 0.1);
        if (divergent.length > 0) {
          context.print(
            `KL of tokens from 0.1 nats: ${divergent.map(({ token, kl }) => `${JSON.stringify(harmless(token))} ${(kl ?? 0).toPrecision(2)}`).join(', ')}`,
          );
        }
        return { column, ...rest, meanKl, tokens: own.map(({ column: _, ...token }) => token) };
      });
      context.print('');
      compared.push({ prompt, promptText, columns: withKl });
    }
    return { model: model.name, treatment: by, instruction: instruction === '' ? null : instruction, compared };
  });
}
