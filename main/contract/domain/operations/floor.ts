// f' = max(f, value)
import * as v from 'valibot';
import { float32Schema } from '../../base/float32.ts';
import { LIMIT } from './numbers.ts';
import type { DefinitionOf } from './operation.ts';
import { targetEntries } from './target.ts';

export const floor = {
  schema: v.strictObject({ ...targetEntries, kind: v.literal('floor'), value: float32Schema }),
  action: (value) => ({ kind: 'floor', value }),
  title: 'Floor',
  description: 'f is at least a value.',
  number: { ...LIMIT, example: 2.5 },
  reads: 'feature',
  line: (value) => ({ low: value }),
  gain: (f, value) => Math.max(f, value) - f,
  formula: 'max(f, value) - f',
  python: ['return f.clamp(min=number) - f'],
} satisfies DefinitionOf<'floor', 'value'>;
