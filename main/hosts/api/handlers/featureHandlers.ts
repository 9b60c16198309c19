import type * as v from 'valibot';
import type { ApiHandlers } from '../../../contract/api/contract.ts';
import type { corpusSchema } from '../../../contract/api/activations.ts';
import { STATISTICS_CONTEXTS } from '../../../contract/domain/statisticsSettings.ts';
import type { Immutable } from '../../../contract/rpc/procedure.ts';
import type { NeighbourFeature } from '../../../core/features/statisticsReader.ts';
import { corpusPath } from '../../../workbench/corpora.ts';
import { findFinishedDictionary, topFeatures } from '../../../workbench/dictionaries.ts';
import {
  describeFeatures,
  showContext,
  showFeature,
  statisticsJob,
  statisticsRequest,
  suggestFeatureLabel,
  tryText,
  type StatisticsRequest,
} from '../../../workbench/features.ts';
import { statisticsTexts } from '../../../workbench/statisticsText.ts';
import { featurePosition, listFeatures, selectFeatures } from '../../../workbench/featureLists.ts';
import type { HostContext } from '../hostContext.ts';

export function featureHandlers(host: HostContext): ApiHandlers['feature'] {
  const workbench = () => host.session().workbench;
  const pathOfCorpus = (corpus: Immutable<v.InferOutput<typeof corpusSchema>>) =>
    corpus.from === 'location' ? host.locations.pathOf(corpus.location) : corpusPath(workbench(), corpus.name);

  return {
    statistics: ({ dictionary }) => describeFeatures(workbench(), dictionary),
    statisticsTexts: async ({ dictionary }) => {
      const { texts, preferred } = await statisticsTexts(
        workbench(),
        await findFinishedDictionary(workbench(), dictionary),
      );
      return { texts, hasPreferred: preferred !== null, corpusContexts: STATISTICS_CONTEXTS };
    },
    computeStatistics: async ({ dictionary, over, maxContexts }) => {
      const session = host.session();
      const limit = maxContexts === undefined ? {} : { maxContexts };
      let request: StatisticsRequest = { dictionary, ...limit };
      if (over?.from === 'activations') request = { ...request, activations: over.name };
      else if (over?.from === 'corpus') {
        const { from: _, corpus, ...options } = over;
        request = { ...request, ...options, corpus: await pathOfCorpus(corpus) };
      }
      // Refused now, not when its turn comes.
      return session.submit(statisticsJob, await statisticsRequest(session.workbench, request));
    },
    list: ({ offset = 0, limit = 100, ...query }) => listFeatures(workbench(), query, { offset, limit }),
    select: async (query) => ({ features: await selectFeatures(workbench(), query) }),
    position: async ({ feature, ...query }) => ({ position: await featurePosition(workbench(), query, feature) }),
    page: async (input) => {
      const { page, hash } = await showFeature(workbench(), input);
      const { labels } = workbench().project;
      const named = (neighbours: readonly NeighbourFeature[]) =>
        neighbours.map((neighbour) => ({
          ...neighbour,
          label: labels.get({ dictionary: hash, feature: neighbour.feature })?.text ?? '',
        }));
      return { ...page, decoderNeighbours: named(page.decoderNeighbours), cofiring: named(page.cofiring) };
    },
    context: async (input) => ({ tokens: await showContext(workbench(), input) }),
    suggest: (input) => suggestFeatureLabel(workbench(), input),
    tryText: (input, { signal }) => tryText(workbench(), input, signal),
    onText: (input, { signal }) => topFeatures(workbench(), input, signal),
  };
}
