import type * as v from 'valibot';
import type { ApiHandlers } from '../../../contract/api/contract.ts';
import type { corpusSchema } from '../../../contract/api/activations.ts';
import type { evaluation as evaluationContract } from '../../../contract/api/evaluation.ts';
import type { Immutable, InputOf } from '../../../contract/rpc/procedure.ts';
import { compareReports } from '../../../core/evaluation/compareReports.ts';
import type { EvaluationReport } from '../../../core/evaluation/report.ts';
import { DEFAULT_BUDGET, parseBudget } from '../../../core/evaluation/budget.ts';
import type { EvaluationSummary } from '../../../storage/entities/evaluations.ts';
import { corpusPath } from '../../../workbench/corpora.ts';
import { listDictionaries } from '../../../workbench/dictionaries.ts';
import { editNamed } from '../../../workbench/editParts.ts';
import { evaluationJob, type EvaluationRequest } from '../../../workbench/evaluationJobs.ts';
import { planEvaluation } from '../../../workbench/evaluationPlan.ts';
import { forecastCalibration, forecastEdit } from '../../../workbench/forecast.ts';
import type { HostContext } from '../hostContext.ts';

type StartInput = Omit<InputOf<(typeof evaluationContract)['start']>, 'budget'>;

export function evaluationHandlers(host: HostContext): ApiHandlers['evaluation'] {
  const workbench = () => host.session().workbench;
  const pathOfCorpus = (corpus: Immutable<v.InferOutput<typeof corpusSchema>>) =>
    corpus.from === 'location' ? host.locations.pathOf(corpus.location) : corpusPath(workbench(), corpus.name);

  const requestOf = async (input: StartInput): Promise<Omit<EvaluationRequest, 'budget' | 'author'>> => {
    const { of, targets, text, settings = {} } = input;
    const { behaviours } = workbench().project;
    const names = input.behaviours ?? behaviours.list().map(({ name }) => name);
    return {
      ...editNamed(workbench(), of),
      behaviours: names.map((name) => behaviours.resolve(name)),
      ...(targets === undefined ? {} : { targets: [...targets] }),
      ...(text === undefined
        ? {}
        : { text: text.from === 'activations' ? { store: text.name } : { corpus: await pathOfCorpus(text.corpus) } }),
      settings,
    };
  };

  const withMessage = (summary: EvaluationSummary) => ({
    ...summary,
    message: summary.version === null ? '' : firstLine(workbench().project.versions.get(summary.version).message),
  });

  const dictionaryNames = async () =>
    Object.fromEntries(
      (await listDictionaries(workbench())).flatMap(({ name, quality }) => (quality ? [[quality.hash, name]] : [])),
    );

  const labelsOf = (features: Iterable<readonly [dictionary: string, feature: number]>) => {
    const { labels } = workbench().project;
    const seen = new Set<string>();
    return [...features].flatMap(([dictionary, feature]) => {
      if (seen.has(`${dictionary} ${feature}`)) return [];
      seen.add(`${dictionary} ${feature}`);
      const text = labels.get({ dictionary, feature })?.text;
      return text ? [{ dictionary, feature, text }] : [];
    });
  };

  return {
    list: ({ version }) => {
      const { evaluations, versions } = workbench().project;
      const headlines = evaluations.headlines();
      return evaluations
        .list(version === undefined ? {} : { version: versions.resolve(version) })
        .flatMap((summary) => {
          const headline = headlines.get(summary.id);
          return headline ? [{ ...withMessage(summary), ...headline }] : [];
        });
    },
    show: async ({ ref }) => {
      const { report, ...summary } = workbench().project.evaluations.get(ref);
      return {
        ...withMessage(summary),
        report,
        labels: labelsOf(featuresNamed(report)),
        dictionaries: await dictionaryNames(),
      };
    },
    defaults: () => ({ budget: DEFAULT_BUDGET }),
    plan: async (input) => planEvaluation(workbench(), await requestOf(input), () => host.computing.gigaflops()),
    start: async ({ budget, ...input }) => {
      const session = host.session();
      const request = await requestOf(input);
      // What cannot be run is refused now, not when its turn comes.
      await planEvaluation(workbench(), request, () => Promise.resolve(null));
      return session.submit(evaluationJob, {
        ...request,
        budget: budget === null ? null : parseBudget(budget),
        author: host.author().author,
      });
    },
    compare: ({ one, other }) => {
      const { evaluations } = workbench().project;
      const { report: first, ...firstSummary } = evaluations.get(one);
      const { report: second, ...secondSummary } = evaluations.get(other);
      return {
        one: withMessage(firstSummary),
        other: withMessage(secondSummary),
        ...compareReports(first, second),
      };
    },
    forecast: async ({ of }, { signal }) => {
      const places = await forecastEdit(workbench(), editNamed(workbench(), of).edit, signal);
      const named = places.flatMap(({ dictionary, operations, strongest }) =>
        [...operations, ...strongest].map(({ feature }) => [dictionary, feature] as const),
      );
      return { places, labels: labelsOf(named), dictionaries: await dictionaryNames() };
    },
    calibration: () => forecastCalibration(workbench()),
  };
}

function* featuresNamed({ edit, blastRadius, forecasts = [] }: EvaluationReport) {
  for (const { dictionary, feature, gates } of edit.operations) {
    yield [dictionary, feature] as const;
    for (const gate of gates) yield [dictionary, gate.feature] as const;
  }
  for (const { dictionary, strongest } of [...blastRadius, ...forecasts]) {
    for (const { feature } of strongest) yield [dictionary, feature] as const;
  }
}

function firstLine(message: string): string {
  return message.split('\n')[0] ?? '';
}
