import { exponential } from '../../../contract/base/figures.ts';
import { join, resolve } from 'node:path';
import { stat } from 'node:fs/promises';
import { exportWarning } from '../../../contract/domain/verdictWords.ts';
import { editId } from '../../../core/edits/edit.ts';
import { EXPORT_FORM_NAMES, EXPORT_FORMS } from '../../../core/export/forms/index.ts';
import { exportEdit, headlineOfExport, planExport, verifyJob } from '../../../workbench/exports.ts';
import { runToEnd } from '../../../workbench/jobKind.ts';
import type { CommandContext, ComputeCommand } from '../command.ts';
import { inWorkbench } from '../openProject.ts';
import { EDIT_OPTIONS, editOf } from '../editOptions.ts';
import { printExportPlan } from '../plans.ts';
import { flag, given, oneOf, optionalText, positionals } from '../values.ts';

interface Figures {
  readonly maxAbsLogitDiff: number;
  readonly kl: number;
  readonly greedyAgreement: number;
}

function printFigures({ maxAbsLogitDiff, kl, greedyAgreement }: Figures, context: CommandContext): void {
  context.print(
    `Reloaded, its logits differ by at most ${exponential(maxAbsLogitDiff, 2)}, KL ${exponential(kl, 2)} nats; ` +
      `greedy texts agree in ${(100 * greedyAgreement).toFixed(2)}% of the tokens.`,
  );
}

export const exportCommand: ComputeCommand = {
  name: 'export',
  summary: 'Write a patched model, as ONNX or as a checkpoint, and verify that it does what the workbench showed.',
  usage: 'export NAME (--dictionary D --op OPERATION … | --edit FILE | --version VERSION)',
  examples: [
    'export quiet --dictionary first --op ablate:12 --op clamp:7:-3 --gate "90>0.5"',
    'export release --version main --form referenced',
    'export --version main --plan',
    'export hub --version main --form huggingface --python',
    'export ./out/patched --edit edit.json --corpus heldout.txt --json',
  ],
  options: {
    ...EDIT_OPTIONS,
    form: {
      type: 'string',
      description: `${Object.values(EXPORT_FORMS)
        .map(({ name, title }) => `${name} (${title})`)
        .join(', ')}; the first that is exact when left out.`,
    },
    calibrate: {
      type: 'boolean',
      description:
        'Features of a topk dictionary fire above thresholds of their own instead of in competition: a smaller graph; how often they differ is told.',
    },
    plan: { type: 'boolean', description: 'Only show which forms can carry the edit, which are exact, and why not.' },
    python: {
      type: 'boolean',
      description: 'Also load the export with Python (ERRATA_PYTHON, or python3), where it has what that takes.',
    },
    corpus: { type: 'string', description: 'Text to compare on, which training has not seen.' },
    activations: { type: 'string', short: 'a', description: 'Or a store, whose last tenth is compared on.' },
  },
  computesOn: 'any',
  run: (arguments_, context) =>
    inWorkbench(context, async (workbench) => {
      const { edit, provenance } = await editOf(arguments_, workbench, 'export');
      const plan = await planExport(workbench, edit.operations);
      printExportPlan(plan, context);
      if (flag(arguments_, 'plan')) return { ...plan };
      const [target] = positionals(arguments_, ['NAME'], 'export');
      const corpus = optionalText(arguments_, 'corpus');
      const store = optionalText(arguments_, 'activations');
      const text = corpus !== undefined ? { corpus } : store !== undefined ? { store } : undefined;
      const form = oneOf(arguments_, 'form', EXPORT_FORM_NAMES) ?? plan.default;
      const calibrate = flag(arguments_, 'calibrate');
      const python = flag(arguments_, 'python');
      const result = await exportEdit(
        workbench,
        { edit, target, form, calibrate, python, provenance, ...given('text', text) },
        context.signal,
      );
      const headline = await headlineOfExport(result.path);
      context.print(headline);
      context.print(`Exported to ${result.path}`);
      printFigures(result, context);
      for (const { badge, reason } of result.exactness)
        if (badge === 'calibrated') context.print(`${badge}: ${reason}`);
      if (result.deviation) {
        const { logits, greedyAgreement } = result.deviation;
        context.print(
          `It is not the edit at its site alone: against that, the logits differ by up to ${logits.maxAbsLogitDiff.toPrecision(3)}, ` +
            `KL ${exponential(logits.meanKl, 2)} nats; ${(100 * greedyAgreement).toFixed(2)}% of the greedy tokens are the same.`,
        );
      }
      if (result.python?.state === 'checked') {
        const { maxAbsLogitDiff, versions } = result.python;
        const names = Object.entries(versions).map(([name, version]) => `${name} ${version}`);
        context.print(
          `Checked in Python (${names.join(', ')}): the logits differ by at most ${exponential(maxAbsLogitDiff, 2)}.`,
        );
      } else if (python) context.print(`Not checked in Python: ${result.python?.reason ?? ''}`);
      for (const warning of result.warnings) context.print(warning);
      const [latest] = workbench.project.evaluations.list({ edit: editId(edit) });
      const warning = exportWarning(latest?.passes);
      if (warning !== null) context.print(`Warning: ${warning}`);
      return { headline, ...result, verdict: latest?.passes ?? null };
    }),
};

export const verifyCommand: ComputeCommand = {
  name: 'verify',
  summary: 'Check an exported model from its files alone: hashes, and what it computes.',
  usage: 'verify DIR',
  examples: ['verify exports/quiet --json'],
  options: {},
  computesOn: 'any',
  run: async (arguments_, context) => {
    const [given] = positionals(arguments_, ['DIR'], 'verify');
    // A folder is checked as it is; the name of an export of the project is a job of the project.
    const isFolder = await stat(given).catch(() => undefined);
    const isNamed = !isFolder && (await stat(join(context.projectFolder, 'exports', given)).catch(() => undefined));
    const result = isNamed
      ? await inWorkbench(context, (workbench) =>
          runToEnd(workbench, verifyJob, { name: given }, { signal: context.signal }),
        )
      : await context.compute('export.verify', { folder: resolve(given) });
    printFigures(result, context);
    if (result.unlisted.length > 0) context.print(`Not part of the export: ${result.unlisted.join(', ')}`);
    context.print(`${result.path} is as it was exported.`);
    return result;
  },
};
