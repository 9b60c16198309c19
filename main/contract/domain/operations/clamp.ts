// f' = value, everywhere
import * as v from 'valibot';
import { float32Schema } from '../../base/float32.ts';
import { HELD_VALUE } from './numbers.ts';
import type { DefinitionOf } from './operation.ts';
import { targetEntries } from './target.ts';

export const clamp = {
  schema: v.strictObject({ ...targetEntries, kind: v.literal('clamp'), value: float32Schema }),
  action: (value) => ({ kind: 'clamp', value }),
  title: 'Clamp',
  description: 'f is held at a value, everywhere.',
  number: { ...HELD_VALUE, example: 2 },
  reads: 'feature',
  line: (value) => ({ slope: -1, offset: value }),
  gain: (f, value) => value - f,
  formula: 'value - f',
  python: ['return number - f'],
} satisfies DefinitionOf<'clamp', 'value'>;
