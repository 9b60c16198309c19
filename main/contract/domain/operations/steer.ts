// x' = x + amount·d, whether the feature fires or not
import * as v from 'valibot';
import { float32Schema } from '../../base/float32.ts';
import { AMOUNT } from './numbers.ts';
import type { DefinitionOf } from './operation.ts';
import { targetEntries } from './target.ts';

export const steer = {
  schema: v.strictObject({ ...targetEntries, kind: v.literal('steer'), amount: float32Schema }),
  action: (amount) => ({ kind: 'steer', amount }),
  title: 'Steer',
  description: 'An amount of d is added to x, whether the feature fires or not.',
  number: { ...AMOUNT, example: 2.5 },
  reads: 'nothing',
  line: (amount) => ({ offset: amount }),
  gain: (_, amount) => amount,
  formula: 'amount',
  python: ['return torch.full_like(f, number)'],
} satisfies DefinitionOf<'steer', 'amount'>;
