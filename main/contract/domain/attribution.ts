// How the effect of a feature on what a model says is estimated.
import * as v from 'valibot';

export const ESTIMATORS = ['exact', 'relp', 'ig'] as const;
export type Estimator = (typeof ESTIMATORS)[number];

export const estimatorSchema = v.picklist(ESTIMATORS);

/** What each one is, in a few words. */
export const ESTIMATOR_WORDS: Readonly<Record<Estimator, { readonly title: string; readonly hint: string }>> = {
  exact: { title: 'Gradient', hint: 'The derivative of the logit. One pass forward and one backward.' },
  relp: {
    title: 'RelP',
    hint: 'Relevance patching (Jafari et al. 2025): norms, gates and attention patterns are held constant.',
  },
  ig: {
    title: 'Integrated gradients',
    hint: 'The mean gradient on the way from no features to all of them, in 8 steps (Sundararajan et al. 2017).',
  },
};
