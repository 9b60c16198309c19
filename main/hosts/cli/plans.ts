// Plans of long work as commands print them before it begins: what the window shows beside its start button.
import type { contract } from '../../contract/api/contract.ts';
import { byteSize, shortNumber } from '../../contract/base/figures.ts';
import type { OutputOf } from '../../contract/rpc/procedure.ts';
import type { CommandContext } from './command.ts';
import { formatDuration } from './terminal.ts';

type Print = Pick<CommandContext, 'print'>;

function printPlan(parts: readonly string[], warnings: readonly string[], { print }: Print): void {
  print(`Plan: ${parts.join(', ')}.`);
  for (const warning of warnings) print(`Warning: ${warning}`);
}

const about = (seconds: number | null) => (seconds === null ? [] : [`about ${formatDuration(Math.max(1, seconds))}`]);

export function printCapturePlan(
  { contexts, tokens, bytes, freeBytes, seconds, warnings }: OutputOf<typeof contract.activations.plan>,
  context: Print,
): void {
  const size = `${byteSize(bytes)} on the disk (${byteSize(freeBytes)} free)`;
  printPlan(
    [`about ${contexts} contexts`, `${shortNumber(tokens)} tokens`, size, ...about(seconds)],
    warnings,
    context,
  );
}

export function printTrainingPlan(
  { memory, totalMemory, tokens, epochs, seconds, basis, warnings }: OutputOf<typeof contract.dictionary.plan>,
  context: Print,
): void {
  const by = basis === null ? [] : [basis === 'runs' ? 'by earlier runs' : 'by steps tried on the device'];
  const parts = [
    `${byteSize(memory.total)} of memory (this machine has ${byteSize(totalMemory)})`,
    `${shortNumber(tokens)} tokens`,
    `${shortNumber(epochs)} times through the store`,
    ...about(seconds).map((time) => [time, ...by].join(' ')),
  ];
  printPlan(parts, warnings, context);
}
