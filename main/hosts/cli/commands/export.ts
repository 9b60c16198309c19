import { join, resolve } from 'node:path';
import { stat } from 'node:fs/promises';
import { AppError } from '../../../contract/errors.ts';
import { editFromArguments, readEdit } from '../../../edits/editArguments.ts';
import type { Edit } from '../../../edits/edit.ts';
import { isVersionFile, readVersionFile } from '../../../storage/versionFile.ts';
import { exportEdit, placeOf } from '../../../workbench/exports.ts';
import { withWorkbench } from '../../../workbench/openWorkbench.ts';
import type { Workbench } from '../../../workbench/workbench.ts';
import type { CommandArguments, CommandContext, ComputeCommand } from '../command.ts';
import { given, oneOf, optionalText, positionals, requiredText, texts } from '../values.ts';

interface Figures {
  readonly maxAbsLogitDiff: number;
  readonly kl: number;
  readonly greedyAgreement: number;
}

function printFigures({ maxAbsLogitDiff, kl, greedyAgreement }: Figures, context: CommandContext): void {
  context.print(
    `Loaded afresh, its logits differ by at most ${maxAbsLogitDiff.toExponential(2)}, KL ${kl.toExponential(2)} nats; ` +
      `greedy texts agree in ${(100 * greedyAgreement).toFixed(2)}% of the tokens.`,
  );
}

export const exportCommand: ComputeCommand = {
  name: 'export',
  summary: 'Write a patched model as ONNX, and verify that it does what the workbench showed.',
  usage: 'export NAME (--dictionary D --op OPERATION … | --edit FILE | --version VERSION)',
  examples: [
    'export quiet --dictionary first --op ablate:12 --op clamp:7:-3 --gate "90>0.5"',
    'export release --version main --form referenced',
    'export ./out/patched --edit edit.json --corpus heldout.txt --json',
  ],
  options: {
    dictionary: { type: 'string', short: 'd', description: 'The dictionary whose features --op changes.' },
    op: {
      type: 'string',
      multiple: true,
      description: 'ablate:F, scale:F:A, clamp:F:C, clampActive:F:C, floor:F:M, cap:F:M, steer:F:A, project:F:C.',
    },
    scope: { type: 'string', description: 'all (default), notBos, promptOnly, generatedOnly or fromFirstFiring:F.' },
    gate: {
      type: 'string',
      multiple: true,
      description: 'F>T: act only where feature F is above T; several: where any is.',
    },
    edit: { type: 'string', description: 'A file with operations, or a version as it was exported.' },
    version: { type: 'string', description: 'A committed version: its id, branch or tag.' },
    form: {
      type: 'string',
      description: "embedded (default), or referenced: the weights are the model's own files, linked.",
    },
    corpus: { type: 'string', description: 'Text to compare on, which training has not seen.' },
    activations: { type: 'string', short: 'a', description: 'Or a store, whose last tenth is compared on.' },
  },
  computesOn: 'any',
  run: (arguments_, context) =>
    withWorkbench(context.projectFolder, { host: 'the command line', compute: context.compute }, async (workbench) => {
      const [target] = positionals(arguments_, ['NAME'], 'export');
      const corpus = optionalText(arguments_, 'corpus');
      const store = optionalText(arguments_, 'activations');
      const text = corpus !== undefined ? { corpus } : store !== undefined ? { store } : undefined;
      const { edit, provenance } = await editOf(arguments_, workbench);
      const form = oneOf(arguments_, 'form', ['embedded', 'referenced']) ?? 'embedded';
      const result = await exportEdit(
        workbench,
        { edit, target, form, provenance, ...given('text', text) },
        context.signal,
      );
      context.print(`Exported to ${result.path}`);
      printFigures(result, context);
      for (const warning of result.warnings) context.print(warning);
      return result;
    }),
};

/** Exactly one of --op, --edit and --version says what the edit is. */
async function editOf(
  arguments_: CommandArguments,
  workbench: Workbench,
): Promise<{ readonly edit: Edit; readonly provenance: Readonly<Record<string, string>> }> {
  const [operations, file, version] = [
    texts(arguments_, 'op'),
    optionalText(arguments_, 'edit'),
    optionalText(arguments_, 'version'),
  ];
  const ways = [operations.length > 0, file !== undefined, version !== undefined].filter(Boolean).length;
  if (ways !== 1) {
    throw new AppError('usage', 'errata export: say what to export with one of --op, --edit and --version.');
  }
  if (file !== undefined) return editOfFile(file);
  if (version !== undefined) {
    const { id, operations: committed, author, message } = workbench.project.versions.get(version);
    return { edit: { operations: committed }, provenance: { version: id, author, message } };
  }
  const place = await placeOf(workbench, requiredText(arguments_, 'dictionary', 'export'));
  const gates = texts(arguments_, 'gate');
  const scope = optionalText(arguments_, 'scope');
  return { edit: editFromArguments({ ...place, operations, gates, ...given('scope', scope) }), provenance: {} };
}

/** The edit in a file: operations alone, a version, or a version with all that is behind it (errata edit export). */
async function editOfFile(path: string): Promise<{ edit: Edit; provenance: Readonly<Record<string, string>> }> {
  if (!(await isVersionFile(path))) return { edit: await readEdit(path), provenance: {} };
  const { head, versions } = await readVersionFile(path);
  const version = versions.find(({ id }) => id === head);
  if (!version) throw new AppError('invalid-file', `${path}: its head is missing.`);
  const { id, operations, author, message } = version;
  return { edit: { operations }, provenance: { version: id, author, message } };
}

export const verifyCommand: ComputeCommand = {
  name: 'verify',
  summary: 'Check an exported model from its files alone: hashes, and what it computes.',
  usage: 'verify DIR',
  examples: ['verify exports/quiet --json'],
  options: {},
  computesOn: 'any',
  run: async (arguments_, context) => {
    const [given] = positionals(arguments_, ['DIR'], 'verify');
    // The name of an export of the project will do as well.
    const named = join(context.projectFolder, 'exports', given);
    const isFolder = await stat(given).catch(() => undefined);
    const folder = !isFolder && (await stat(named).catch(() => undefined)) ? named : resolve(given);
    const result = await context.compute('export.verify', { folder });
    printFigures(result, context);
    if (result.unlisted.length > 0) context.print(`Not part of the export: ${result.unlisted.join(', ')}`);
    context.print(`${result.path} is as it was exported.`);
    return result;
  },
};
