// The figures of a feature, each with its definition and the size of its sample.
import type { FeaturePage } from '../../api/types.ts';
import type { Fact } from '../../components/ui/fact.ts';
import { figure, percent, wholeNumber } from '../../state/format.ts';
import { GLOSSARY } from '../../state/glossary.ts';

export function featureFacts(page: FeaturePage): readonly Fact[] {
  const { firings, tokens, rate, mean, deviation, max, lastRate, lastFirings, documentEnds, logits } = page;
  const here = `${wholeNumber(firings)} of ${wholeNumber(tokens)} tokens`;
  return [
    { name: 'Fires on', value: percent(rate), definition: `${here}; its activation is above 0 there` },
    { name: 'Mean', value: mean === null ? '–' : figure(mean), definition: `${GLOSSARY.mean} Over ${here}` },
    ...(deviation === null
      ? []
      : [
          {
            name: 'Std. dev.',
            value: figure(deviation),
            definition: `Standard deviation where it fires, over ${here}`,
          },
        ]),
    { name: 'Max', value: figure(max), definition: GLOSSARY.max },
    ...(lastRate === null
      ? []
      : [
          {
            name: 'Fires on last token',
            value: percent(lastRate),
            definition: `${wholeNumber(lastFirings)} of the last tokens of ${wholeNumber(documentEnds)} documents`,
          },
        ]),
    ...(logits === null
      ? []
      : [{ name: 'Entropy', value: `${figure(logits.entropy)} nats`, definition: GLOSSARY.entropy }]),
  ];
}
