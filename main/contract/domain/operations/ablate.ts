// f' = 0
import * as v from 'valibot';
import type { DefinitionOf } from './operation.ts';
import { targetEntries } from './target.ts';

export const ablate = {
  schema: v.strictObject({ ...targetEntries, kind: v.literal('ablate') }),
  action: () => ({ kind: 'ablate' }),
  title: 'Ablate',
  description: 'f becomes 0: the feature is taken out.',
  number: null,
  reads: 'feature',
  line: () => ({ slope: -1 }),
  gain: (f) => -f,
  formula: '-f',
  python: ['return -f'],
  finder: { numberAt: (multiple) => (multiple === 0 ? 0 : null), gentler: () => [] },
} satisfies DefinitionOf<'ablate'>;
