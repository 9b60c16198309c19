// Plans of long work as commands print them before it begins, or with --plan alone: what the window shows next to its start
// button, from the same functions of the workbench.
import type { contract } from '../../contract/api/contract.ts';
import { byteSize, shortNumber } from '../../contract/base/figures.ts';
import type { OutputOf } from '../../contract/rpc/procedure.ts';
import type { CommandContext, Option } from './command.ts';
import { formatDuration } from './terminal.ts';

export const PLAN_OPTION: Readonly<Record<string, Option>> = {
  plan: { type: 'boolean', description: 'Only show the plan and its warnings.' },
};

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

export function printImportPlan(plan: OutputOf<typeof contract.dictionary.planImport>, context: Print): void {
  const { name, architecture, size, d, k, bytes, layoutTitle, model, site, conclusions, problem } = plan;
  const competing = k === null ? '' : `, k ${k}`;
  for (const conclusion of conclusions) context.print(`  ${conclusion}`);
  const place = site === null ? 'a site that is not known' : site;
  const checked = model ? [`${model.name} ${place}`] : [place, 'no model of the project fits: it will not be checked'];
  printPlan(
    [
      `${name}: ${architecture}${competing}, ${size} features of ${d} numbers`,
      ...checked,
      `${layoutTitle}, ${byteSize(bytes)}`,
    ],
    problem === null ? [] : [problem],
    context,
  );
}

export function printDownloadPlan(plan: OutputOf<typeof contract.hub.plan>, context: Print): void {
  const { repository, commit, files, bytes, bytesToFetch, freeBytes, modelType, tensors, parameters, largest } = plan;
  const { memoryBytes, totalMemory, warnings } = plan;
  const kind = modelType === null ? [] : [modelType];
  const there = bytesToFetch < bytes ? `, ${byteSize(bytesToFetch)} of it to fetch` : '';
  const size = `${files.length} ${files.length === 1 ? 'file' : 'files'}, ${byteSize(bytes)}${there} (${byteSize(freeBytes)} free)`;
  const memory =
    tensors === 0
      ? []
      : [
          `${shortNumber(parameters)} numbers in ${tensors} tensors`,
          `${byteSize(memoryBytes)} of memory as float32 (this machine has ${byteSize(totalMemory)})`,
        ];
  context.print(`${repository} at ${commit}`);
  for (const { name, dtype, shape } of largest) context.print(`  ${name}  ${dtype} [${shape.join(', ')}]`);
  if (tensors > largest.length) context.print(`  … and ${tensors - largest.length} smaller tensors`);
  printPlan([...kind, size, ...memory], warnings, context);
}

const cases = (count: number) => `${count} ${count === 1 ? 'case' : 'cases'}`;

export function printEvaluationPlan(
  { operations, suites, texts, seconds, basis, hasForecast, warnings }: OutputOf<typeof contract.evaluation.plan>,
  context: Print,
): void {
  const by =
    basis === null ? [] : [basis === 'evaluations' ? 'by earlier evaluations' : 'a guess by the device’s speed'];
  const parts = [
    `${operations} ${operations === 1 ? 'operation' : 'operations'}`,
    ...suites.map(({ name, role, cases: of }) => `${name} (${role}, ${cases(of)})`),
    `${texts} texts to run`,
    ...about(seconds).map((time) => [time, ...by].join(', ')),
    ...(hasForecast ? ['with a forecast to check'] : []),
  ];
  printPlan(parts, warnings, context);
}

export function printSearchPlan(
  { target, keep, tokens, seconds, isMeasured }: OutputOf<typeof contract.finder.plan>,
  context: Print,
): void {
  const sideOf = (word: string, { name, choose, lookedAt }: typeof target) =>
    `${word} ${name} (${lookedAt} of ${cases(choose)} looked at)`;
  const parts = [
    sideOf('reduce', target),
    ...keep.map((side) => sideOf('preserve', side)),
    `${shortNumber(tokens)} tokens`,
    ...about(seconds),
    isMeasured ? 'as fast as the last search' : 'a guess by the size of the model',
  ];
  printPlan(parts, [], context);
}

/** The forms, the one that is taken where none is named with a star. */
export function printExportPlan(
  { rungs, default: first }: OutputOf<typeof contract.export.plan>,
  { print }: Print,
): void {
  for (const { form, applies, badge, reason } of rungs) {
    const mark = form === first ? '*' : ' ';
    print(`${mark} ${form.padEnd(12)} ${(applies ? (badge ?? '') : 'no').padEnd(12)} ${reason}`);
  }
}

/** The texts, the best first; the one that is taken where none is named with a star. */
export function printStatisticsTexts(
  { texts, hasPreferred, corpusContexts }: OutputOf<typeof contract.feature.statisticsTexts>,
  { print }: Print,
): void {
  if (texts.length === 0) print('There is no text to count over: name one with --corpus.');
  for (const [index, text] of texts.entries()) {
    const mark = index === 0 && hasPreferred ? '*' : ' ';
    const what =
      text.from === 'activations'
        ? `activations, ${shortNumber(text.tokens)} tokens${text.isTrainedOn ? ', of its training' : ''}`
        : `corpus, ${byteSize(text.bytes)}, the first ${corpusContexts} contexts`;
    print(`${mark} ${text.name}  ${what}`);
  }
}
