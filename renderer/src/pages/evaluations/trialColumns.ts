// The columns that tables of trials share: baselines and doses are measured by the same figures.
import type { Trial } from '../../../../main/contract/domain/evaluationReport.ts';
import type { Column } from '../../components/ui/column.ts';
import { GLOSSARY } from '../../state/glossary.ts';
import { change, nats, share } from './reportText.ts';

export const SOUND_AND_COST: readonly Column<Trial>[] = [
  {
    title: 'Sound where gone',
    definition: GLOSSARY.soundWhereGone,
    value: ({ targetSound }) => targetSound?.value ?? null,
    text: ({ targetSound }) => share(targetSound ?? null),
  },
  {
    title: 'Kept',
    definition: GLOSSARY.kept,
    value: ({ kept }) => kept?.value ?? null,
    text: ({ kept }) => share(kept),
  },
  {
    title: 'Cross-entropy',
    definition: GLOSSARY.ceGrowth,
    value: ({ crossEntropy }) => crossEntropy?.value ?? null,
    text: ({ crossEntropy }) => (crossEntropy ? change(crossEntropy) : '–'),
  },
  {
    title: 'KL on text',
    definition: GLOSSARY.klText,
    value: ({ kl }) => kl?.value ?? null,
    text: ({ kl }) => nats(kl),
  },
];
