// How the files of a report write figures, operations and names.
import type { Predictor } from '../../contract/domain/forecast.ts';
import { withMinus } from '../../contract/base/figures.ts';
import { boundsText, type Estimate } from '../../contract/domain/estimate.ts';
import { numberOf, type Operation } from '../../contract/domain/operations/index.ts';
import type { EvaluationReport } from '../../contract/domain/evaluationReport.ts';
import { openingWord } from '../../contract/domain/bosRule.ts';

export const PREDICTOR_NAMES: Readonly<Record<Predictor, string>> = {
  forecast: 'forecast',
  decoderCosine: 'decoder cosine alone',
  cofiring: 'co-firing alone',
  firingRate: 'firing rate alone',
};

/** What stood before raw prompts and texts: by another rule about the BOS every figure is another. */
export function openingFact({ opening }: Pick<EvaluationReport, 'opening'>): (readonly [string, string])[] {
  return opening ? [['Before a text', openingWord(opening)]] : [];
}

export function operationText(operation: Operation): string {
  const value = numberOf(operation);
  return value === null ? operation.kind : `${operation.kind} ${number(value)}`;
}

export function number(value: number): string {
  if (value === 0) return '0';
  const size = Math.abs(value);
  const text = size >= 1e5 || size < 1e-3 ? value.toExponential(1) : String(Number(value.toPrecision(3)));
  return withMinus(text);
}

/** '95.3% [91.2%, 97.8%]' */
export function intervalText(estimate: Estimate, show: (value: number) => string = number): string {
  return `${show(estimate.value)} ${boundsText(estimate, show)}`;
}

export function shortened(text: string, longest: number): string {
  return text.length <= longest ? text : `${text.slice(0, longest - 1)}…`;
}
