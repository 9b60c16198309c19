// f' = value where f > 0
import * as v from 'valibot';
import { float32Schema } from '../../base/float32.ts';
import { HELD_VALUE } from './numbers.ts';
import type { DefinitionOf } from './operation.ts';
import { targetEntries } from './target.ts';

export const clampActive = {
  schema: v.strictObject({ ...targetEntries, kind: v.literal('clampActive'), value: float32Schema }),
  action: (value) => ({ kind: 'clampActive', value }),
  title: 'Clamp when active',
  description: 'f is held at a value where the feature fires.',
  number: { ...HELD_VALUE, example: -2 },
  reads: 'feature',
  line: (value) => ({ slope: -1, offset: value }),
  onlyActive: true,
  gain: (f, value) => (f > 0 ? value - f : 0),
  formula: 'value - f where f > 0',
  python: ['return torch.where(f > 0, number - f, torch.zeros_like(f))'],
  finder: {
    numberAt: (multiple, mean) => (multiple > 0 ? -multiple * mean : null),
    gentler: (value) => [value / 2, value * 0.75],
  },
} satisfies DefinitionOf<'clampActive', 'value'>;
