// How the effect of a feature on what a model says is estimated.
import * as v from 'valibot';
import { withMinus } from '../base/figures.ts';

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

interface Explained {
  readonly token: { readonly text: string };
  readonly against: { readonly text: string } | null;
  readonly value: number;
}

/** The sentence that an explanation begins with. */
export function whySentence({ token, against, value }: Explained): string {
  const rival = against ? `, less that of ${JSON.stringify(against.text)},` : '';
  return `The logit of ${JSON.stringify(token.text)}${rival} is ${signedFigure(value)}.`;
}

/** '+1.234': an effect on a logit. */
export function signedFigure(value: number): string {
  return withMinus(`${value < 0 ? '' : '+'}${value.toFixed(3)}`);
}
