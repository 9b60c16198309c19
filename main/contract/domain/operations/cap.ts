// f' = min(f, value)
import * as v from 'valibot';
import { float32Schema } from '../../base/float32.ts';
import { LIMIT } from './numbers.ts';
import type { DefinitionOf } from './operation.ts';
import { targetEntries } from './target.ts';

export const cap = {
  schema: v.strictObject({ ...targetEntries, kind: v.literal('cap'), value: float32Schema }),
  action: (value) => ({ kind: 'cap', value }),
  title: 'Cap',
  description: 'f is at most a value.',
  number: { ...LIMIT, example: 0.1 },
  reads: 'feature',
  line: (value) => ({ high: value }),
  gain: (f, value) => Math.min(f, value) - f,
  formula: 'min(f, value) - f',
  python: ['return f.clamp(max=number) - f'],
} satisfies DefinitionOf<'cap', 'value'>;
