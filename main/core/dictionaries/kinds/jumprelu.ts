// JumpReLU (Rajamanoharan et al. 2024, arXiv 2407.14435): f_i = pre_i where pre_i > θ_i, each feature with its own threshold.
import type { Kind } from './kind.ts';
import { byThreshold } from './threshold.ts';

export const jumprelu = {
  ...byThreshold,
  name: 'jumprelu',
  exactness: () => 'Each feature depends on its own row only.',
} satisfies Kind<'jumprelu'>;
