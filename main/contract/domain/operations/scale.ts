// f' = factor·f
import * as v from 'valibot';
import { float32Schema } from '../../base/float32.ts';
import { FACTOR } from './numbers.ts';
import type { DefinitionOf } from './operation.ts';
import { targetEntries } from './target.ts';

export const scale = {
  schema: v.strictObject({ ...targetEntries, kind: v.literal('scale'), factor: float32Schema }),
  action: (factor) => ({ kind: 'scale', factor }),
  title: 'Scale',
  description: 'f is multiplied.',
  number: { ...FACTOR, example: -1.5 },
  reads: 'feature',
  line: (factor) => ({ slope: factor - 1 }),
  gain: (f, factor) => (factor - 1) * f,
  formula: '(factor - 1) * f',
  python: ['return (number - 1) * f'],
} satisfies DefinitionOf<'scale', 'factor'>;
