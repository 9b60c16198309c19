// x' = x + (factor−1)(x·d̂)d̂: a change of the direction, not of the feature
import * as v from 'valibot';
import { float32Schema } from '../../base/float32.ts';
import { FACTOR } from './numbers.ts';
import type { DefinitionOf } from './operation.ts';
import { targetEntries } from './target.ts';

export const project = {
  schema: v.strictObject({ ...targetEntries, kind: v.literal('project'), factor: float32Schema }),
  action: (factor) => ({ kind: 'project', factor }),
  title: 'Project',
  description: 'The part of x along d is multiplied; 0 removes the direction.',
  number: { ...FACTOR, example: -0.5 },
  reads: 'stream',
  line: (factor) => ({ slope: factor - 1 }),
  gain: (projection, factor) => (factor - 1) * projection,
  formula: '(factor - 1) * (x . d) / (d . d)',
  python: ['square = (d @ d).item()', 'return (number - 1) * (x @ d) / square if square > 0 else torch.zeros_like(f)'],
} satisfies DefinitionOf<'project', 'factor'>;
