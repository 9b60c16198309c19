import { stat } from 'node:fs/promises';
import { resolve } from 'node:path';
import { AppError } from '../../../contract/base/errors.ts';
import { budgetSettings, budgetWith, DEFAULT_BUDGET, type Budget } from '../../../contract/domain/budgetSettings.ts';
import { EVALUATION_SIZES, evaluationSettings } from '../../../contract/domain/evaluationSettings.ts';
import { readEdit } from '../../../core/edits/editArguments.ts';
import { shortId } from '../../../core/edits/version.ts';
import { CASE_SPLITS, type Behaviour } from '../../../contract/domain/behaviour.ts';
import { behaviourId } from '../../../core/behaviours/behaviour.ts';
import { behaviourFormatOfName, readBehaviourFile } from '../../../core/behaviours/behaviourFile.ts';
import { parseBudget } from '../../../core/evaluation/budget.ts';
import { isVersionFile, readVersionFile } from '../../../storage/versions/versionFile.ts';
import type { EditOfVersion } from '../../../workbench/editParts.ts';
import { withEvaluationDefaults } from '../../../workbench/evaluationDefaults.ts';
import { behaviourJob, evaluationJob } from '../../../workbench/evaluationJobs.ts';
import { planEvaluation } from '../../../workbench/evaluationPlan.ts';
import { runToEnd } from '../../../workbench/jobKind.ts';
import type { Workbench } from '../../../workbench/workbench.ts';
import type { CommandArguments, ComputeCommand } from '../command.ts';
import { AUTHOR_OPTION, authorOf, inWorkbench } from '../openProject.ts';
import { PLAN_OPTION, printEvaluationPlan } from '../plans.ts';
import { percentOf, printReport, REPORT_OPTIONS, writeReports } from '../reports.ts';
import { optionsOfSettings, settingsFrom } from '../settingOptions.ts';
import { flag, given, oneOf, optionalText, positionals, texts } from '../values.ts';
import { readJson } from '../../../core/files/json.ts';

export const evaluateCommand: ComputeCommand = {
  name: 'evaluate',
  summary: 'Measure what an edit does: behaviours, collateral, baselines, doses; judge it by a budget.',
  usage: 'evaluate VERSION|FILE [--suite NAME …] [--corpus FILE]',
  examples: [
    'evaluate main --target jailbreak --corpus heldout.jsonl',
    'evaluate edit.json --suite jailbreak --suite refuses.json --budget budget.json --html report.html --json',
  ],
  options: {
    suite: {
      type: 'string',
      multiple: true,
      short: 's',
      description: 'A behaviour of the project, or a file with one; all of the project when left out.',
    },
    target: {
      type: 'string',
      multiple: true,
      description:
        'A behaviour that the edit is for; those that the version must satisfy when left out, or else all that may change.',
    },
    corpus: {
      type: 'string',
      description: 'Held-out text for collateral; text of the project without the behaviour when left out.',
    },
    activations: { type: 'string', short: 'a', description: 'Or a store, whose last tenth is used.' },
    budget: {
      type: 'string',
      description: 'A JSON file with limits, or "default"; no verdict when neither this nor a limit is given.',
    },
    ...optionsOfSettings(budgetSettings),
    ...optionsOfSettings(evaluationSettings),
    quick: { type: 'boolean', description: 'Without baselines, doses and blast radius.' },
    ...PLAN_OPTION,
    ...REPORT_OPTIONS,
    ...AUTHOR_OPTION,
  },
  computesOn: 'any',
  run: (arguments_, context) =>
    inWorkbench(context, async (workbench) => {
      const [ref] = positionals(arguments_, ['VERSION'], 'evaluate');
      const treatment = await editNamed(workbench, ref);
      const behaviours = await behavioursNamed(workbench, texts(arguments_, 'suite'));
      const targets = texts(arguments_, 'target');
      const corpus = optionalText(arguments_, 'corpus');
      const store = optionalText(arguments_, 'activations');
      const text = corpus !== undefined ? { corpus: resolve(corpus) } : store !== undefined ? { store } : undefined;
      const request = {
        ...treatment,
        behaviours: behaviours.map(inRequest),
        ...(targets.length === 0 ? {} : { targets }),
        ...given('text', text),
        settings: {
          ...(flag(arguments_, 'quick') ? EVALUATION_SIZES.figures.settings : {}),
          ...settingsFrom(evaluationSettings, arguments_),
        },
      };
      const budget = await budgetOf(arguments_);
      const complete = await withEvaluationDefaults(workbench, request, { isWorking: false, isTrainingText: false });
      const plan = await planEvaluation(workbench, complete);
      printEvaluationPlan(plan, context);
      if (flag(arguments_, 'plan')) return { ...plan };
      const { author } = authorOf(arguments_);
      const { id } = await runToEnd(
        workbench,
        evaluationJob,
        { ...complete, budget, author },
        { signal: context.signal },
      );
      const { report, ...summary } = workbench.project.evaluations.get(id);
      const headline = printReport(report, context);
      const files = await writeReports(workbench, { ...summary, report }, arguments_, context);
      context.print(`Stored as ${shortId(summary.id)}.`);
      return { headline, ...summary, ...report, files };
    }),
};

export const behaviourRun: ComputeCommand = {
  name: 'behaviour run',
  summary: 'Run the cases of a behaviour on the model, or on a version or edit of it.',
  usage: 'behaviour run NAME|FILE [--edit VERSION|FILE]',
  examples: ['behaviour run jailbreak', 'behaviour run jailbreak --edit main --split report --json'],
  options: {
    edit: { type: 'string', description: 'A version, or a file with an edit; the model without any when left out.' },
    model: { type: 'string', short: 'm', description: 'The model, when there is no edit and the project has several.' },
    split: { type: 'string', description: 'Only the cases for choose or report.' },
    instruction: { type: 'string', description: 'A text before every prompt. \\n is a line break.' },
    ...AUTHOR_OPTION,
  },
  computesOn: 'any',
  run: (arguments_, context) =>
    inWorkbench(context, async (workbench) => {
      const [name] = positionals(arguments_, ['NAME'], 'behaviour run');
      const [named] = await behavioursNamed(workbench, [name]);
      if (!named) throw new AppError('internal', 'No behaviour was read.');
      const ref = optionalText(arguments_, 'edit');
      const run = await runToEnd(
        workbench,
        behaviourJob,
        {
          name: named.behaviour.name,
          ...(named.isStored ? {} : { behaviour: { ...named.behaviour } }),
          ...(ref === undefined ? { version: null } : await editNamed(workbench, ref)),
          ...given('model', optionalText(arguments_, 'model')),
          ...given('split', oneOf(arguments_, 'split', CASE_SPLITS)),
          ...given('instruction', optionalText(arguments_, 'instruction')?.replaceAll('\\n', '\n')),
          author: authorOf(arguments_).author,
        },
        { signal: context.signal },
      );
      context.print(`${run.behaviour}: ${percentOf(run.passRate)} of ${run.passRate.n} cases pass.`);
      if (run.result !== null) context.print(`Stored as ${shortId(run.result)}.`);
      return { ...run };
    }),
};

/** A file with an edit, or else a version of the project. */
export async function editNamed({ project }: Workbench, ref: string): Promise<EditOfVersion> {
  const isFile = await stat(ref).then(
    (found) => found.isFile(),
    () => false,
  );
  if (!isFile) {
    const { id, operations } = project.versions.get(ref);
    return { edit: { operations }, version: id };
  }
  if (!(await isVersionFile(ref))) return { edit: await readEdit(ref), version: null };
  const { head, versions } = await readVersionFile(ref);
  const version = versions.find(({ id }) => id === head);
  if (!version) throw new AppError('invalid-file', `${ref}: its head is missing.`);
  return { edit: { operations: version.operations }, version: null };
}

interface NamedBehaviour {
  readonly behaviour: Behaviour;
  /** Under its name in the project; else it was read from a file. */
  readonly isStored: boolean;
}

/** Names of the project's behaviours, or files; without any, all of the project. */
export async function behavioursNamed({ project }: Workbench, names: readonly string[]): Promise<NamedBehaviour[]> {
  const stored = project.behaviours.list();
  const known = (ref: string) => ({ behaviour: project.behaviours.get(ref), isStored: true });
  if (names.length === 0) return stored.map(({ id }) => known(id));
  return Promise.all(
    names.map(async (name) => {
      const isStored = stored.some((each) => each.name === name);
      const isFile = !isStored && (await stat(name).catch(() => undefined))?.isFile() === true;
      if (!isFile) return known(name);
      const format = behaviourFormatOfName(name);
      const base = name.replace(/^.*[\\/]/u, '').replace(/\.[^.]*$/u, '');
      const behaviour = await readBehaviourFile(name, format, format === 'json' ? {} : { name: base });
      return { behaviour, isStored: false };
    }),
  );
}

/** By its content id, or as it reads where the project does not have it. */
function inRequest({ behaviour, isStored }: NamedBehaviour) {
  return isStored ? behaviourId(behaviour) : { ...behaviour };
}

/** The limits of a file, or the default ones, with those that were given by themselves; null: none were asked for. */
async function budgetOf(arguments_: CommandArguments): Promise<Budget | null> {
  const path = optionalText(arguments_, 'budget');
  const limits = settingsFrom(budgetSettings, arguments_);
  if (path === undefined && Object.keys(limits).length === 0) return null;
  const isFile = path !== undefined && path !== 'default';
  return budgetWith(limits, isFile ? parseBudget(await readJson(path), path, 'invalid-file') : DEFAULT_BUDGET);
}
