// What can be asked of evaluations, stored ones and new ones, and of forecasts.
import type { EvaluationReport } from '../contract/domain/evaluationReport.ts';
import type { evaluation as contract } from '../contract/api/evaluation.ts';
import type { InputOf } from '../contract/rpc/procedure.ts';
import { DEFAULT_BUDGET } from '../contract/domain/budgetSettings.ts';
import { compareReports } from '../core/evaluation/compareReports.ts';
import type { EvaluationSummary } from '../storage/entities/evaluations.ts';
import type { Asker, Procedures } from './call.ts';
import { pathOfCorpus } from './corpora.ts';
import { listDictionaries } from './dictionaries.ts';
import { editNamed, WORKING } from './editParts.ts';
import { evaluationDefaults, withEvaluationDefaults } from './evaluationDefaults.ts';
import { evaluationJob, type EvaluationRequest } from './evaluationJobs.ts';
import { checkEvaluation, planEvaluation } from './evaluationPlan.ts';
import { forecastCalibration, forecastEdit } from './forecast.ts';
import { labelTexts } from './labelTexts.ts';
import type { Workbench } from './workbench.ts';

type StartInput = InputOf<(typeof contract)['start']>;

/** Stored evaluations, the newest first, each with its main figures. @throws AppError `not-found`. */
export function listEvaluations(workbench: Pick<Workbench, 'project'>, { version }: { readonly version?: string }) {
  const { evaluations, versions } = workbench.project;
  const headlines = evaluations.headlines();
  return evaluations.list(version === undefined ? {} : { version: versions.resolve(version) }).flatMap((summary) => {
    const headline = headlines.get(summary.id);
    return headline ? [{ ...withMessage(workbench, summary), ...headline }] : [];
  });
}

function withMessage({ project }: Pick<Workbench, 'project'>, summary: EvaluationSummary) {
  return {
    ...summary,
    message: summary.version === null ? '' : firstLine(project.versions.get(summary.version).message),
  };
}

function firstLine(message: string): string {
  return message.split('\n')[0] ?? '';
}

async function dictionaryNames(workbench: Workbench) {
  return Object.fromEntries(
    (await listDictionaries(workbench)).flatMap(({ name, hash }) => (hash === null ? [] : [[hash, name]])),
  );
}

function* featuresNamed({ edit, blastRadius, forecasts = [] }: EvaluationReport) {
  for (const { dictionary, feature, gates } of edit.operations) {
    yield { dictionary, feature };
    for (const gate of gates) yield { dictionary, feature: gate.feature };
  }
  for (const { dictionary, strongest } of [...blastRadius, ...forecasts]) {
    for (const { feature } of strongest) yield { dictionary, feature };
  }
}

async function requestOf(
  workbench: Workbench,
  { of, targets, text, settings = {}, ...input }: Omit<StartInput, 'budget'>,
  asker: Pick<Asker, 'pathOf'>,
): Promise<Omit<EvaluationRequest, 'budget' | 'author'>> {
  const { behaviours } = workbench.project;
  const names = input.behaviours ?? behaviours.list().map(({ name }) => name);
  const request = {
    ...editNamed(workbench, of),
    behaviours: names.map((name) => behaviours.resolve(name)),
    ...(targets === undefined ? {} : { targets: [...targets] }),
    ...(text === undefined || text.from === 'training'
      ? {}
      : {
          text:
            text.from === 'activations'
              ? { store: text.name }
              : { corpus: await pathOfCorpus(workbench, text.corpus, asker) },
        }),
    settings,
  };
  return withEvaluationDefaults(workbench, request, {
    isWorking: of === WORKING,
    isTrainingText: text?.from === 'training',
  });
}

/** The request of an evaluation that can run. @throws AppError as planEvaluation; `permission`. */
export async function prepareEvaluation(
  workbench: Workbench,
  { budget, ...input }: StartInput,
  asker: Pick<Asker, 'pathOf' | 'author'>,
): Promise<EvaluationRequest> {
  const request = await requestOf(workbench, input, asker);
  await checkEvaluation(workbench, request);
  return { ...request, budget, author: asker.author().author };
}

/** Two stored evaluations, paired where they ran the same cases or read the same text. @throws AppError `not-found`. */
export function compareEvaluations(
  workbench: Pick<Workbench, 'project'>,
  { one, other }: { readonly one: string; readonly other: string },
) {
  const { evaluations } = workbench.project;
  const { report: first, ...firstSummary } = evaluations.get(one);
  const { report: second, ...secondSummary } = evaluations.get(other);
  return {
    one: withMessage(workbench, firstSummary),
    other: withMessage(workbench, secondSummary),
    ...compareReports(first, second),
  };
}

export const evaluation: Procedures<'evaluation'> = {
  list: listEvaluations,
  show: async (workbench, { ref }) => {
    const { report, ...summary } = workbench.project.evaluations.get(ref);
    return {
      ...withMessage(workbench, summary),
      report,
      labels: labelTexts(workbench, featuresNamed(report)),
      dictionaries: await dictionaryNames(workbench),
    };
  },
  defaults: async (workbench, { of }) => {
    const { behaviours } = workbench.project;
    const all = behaviours.list().map(({ id }) => behaviours.get(id));
    const treatment = { ...editNamed(workbench, of), isWorking: of === WORKING };
    return { budget: DEFAULT_BUDGET, ...(await evaluationDefaults(workbench, treatment, all)) };
  },
  plan: async (workbench, input, asker) => planEvaluation(workbench, await requestOf(workbench, input, asker)),
  start: async (workbench, input, call) => call.start(evaluationJob, await prepareEvaluation(workbench, input, call)),
  compare: compareEvaluations,
  forecast: async (workbench, { of }, { signal }) => {
    const places = await forecastEdit(workbench, editNamed(workbench, of).edit, signal);
    const named = places.flatMap(({ dictionary, operations, strongest }) =>
      [...operations, ...strongest].map(({ feature }) => ({ dictionary, feature })),
    );
    return { places, labels: labelTexts(workbench, named), dictionaries: await dictionaryNames(workbench) };
  },
  calibration: (workbench) => forecastCalibration(workbench),
};
