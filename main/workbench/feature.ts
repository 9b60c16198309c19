// What can be asked of the features of a dictionary.
import type { feature as contract } from '../contract/api/feature.ts';
import { STATISTICS_CONTEXTS } from '../contract/domain/statisticsSettings.ts';
import type { InputOf } from '../contract/rpc/procedure.ts';
import type { Asker, Procedures } from './call.ts';
import { pathOfCorpus } from './corpora.ts';
import { findFinishedDictionary, topFeatures } from './dictionaries.ts';
import { matchFeature, proposeCarried } from './featureMatches.ts';
import { featurePosition, listFeatures, selectFeatures } from './featureLists.ts';
import {
  describeFeatures,
  showContext,
  showFeature,
  statisticsJob,
  statisticsRequest,
  suggestFeatureLabel,
  tryText,
  type StatisticsRequest,
} from './features.ts';
import { statisticsTexts } from './statisticsText.ts';
import type { Workbench } from './workbench.ts';

/** The texts that statistics of a dictionary can be over. @throws AppError `not-found`, `conflict`. */
export async function offerStatisticsTexts(workbench: Workbench, { dictionary }: { readonly dictionary: string }) {
  const { texts, preferred } = await statisticsTexts(workbench, await findFinishedDictionary(workbench, dictionary));
  return {
    texts: texts.map((text) => {
      if (text.from === 'corpus') return text;
      const { from, name, tokens, isTrainedOn } = text;
      return { from, name, tokens, isTrainedOn };
    }),
    hasPreferred: preferred !== null,
    corpusContexts: STATISTICS_CONTEXTS,
  };
}

/** The request of a computation that can begin. @throws AppError as statisticsRequest; `permission`. */
export async function prepareStatistics(
  workbench: Workbench,
  { dictionary, over, maxContexts }: InputOf<(typeof contract)['computeStatistics']>,
  asker: Pick<Asker, 'pathOf'>,
): Promise<StatisticsRequest> {
  const limit = maxContexts === undefined ? {} : { maxContexts };
  let request: StatisticsRequest = { dictionary, ...limit };
  if (over?.from === 'activations') request = { ...request, activations: over.name };
  else if (over?.from === 'corpus') {
    const { from: _, corpus, ...options } = over;
    request = { ...request, ...options, corpus: await pathOfCorpus(workbench, corpus, asker) };
  }
  return statisticsRequest(workbench, request);
}

export const feature: Procedures<'feature'> = {
  statistics: (workbench, { dictionary }) => describeFeatures(workbench, dictionary),
  statisticsTexts: offerStatisticsTexts,
  computeStatistics: async (workbench, input, call) =>
    call.start(statisticsJob, await prepareStatistics(workbench, input, call)),
  list: (workbench, { offset = 0, limit = 100, ...query }) => listFeatures(workbench, query, { offset, limit }),
  select: async (workbench, query) => ({ features: await selectFeatures(workbench, query) }),
  position: async (workbench, { feature: number, ...query }) => ({
    position: await featurePosition(workbench, query, number),
  }),
  page: async (workbench, input) => (await showFeature(workbench, input)).page,
  context: async (workbench, input) => ({ tokens: await showContext(workbench, input) }),
  suggest: suggestFeatureLabel,
  tryText: (workbench, input, { signal }) => tryText(workbench, input, signal),
  matches: (workbench, input, { signal }) => matchFeature(workbench, input, { signal }),
  carry: (workbench, input, { signal, send }) => proposeCarried(workbench, input, { signal, onProgress: send }),
  onText: (workbench, input, { signal }) => topFeatures(workbench, input, signal),
};
