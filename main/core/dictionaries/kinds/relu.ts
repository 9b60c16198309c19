// The standard sparse autoencoder (Cunningham et al. 2023; Bricken et al. 2023): f_i = max(pre_i, 0).
import type { Kind } from './kind.ts';
import { keepAbove, keepAboveSlowly } from './threshold.ts';

export const relu = {
  name: 'relu',
  perFeature: [],
  competes: false,
  select: (pre) => keepAbove(pre, 0),
  selectSlowly: (pre) => keepAboveSlowly(pre, () => 0),
  python: ['return torch.relu(pre)'],
  jump: () => 0,
  exactness: () => 'Each feature depends on its own row only.',
  saeLens: {
    architecture: 'standard',
    config: () => ({}),
    tensors: ({ encoderBias }) => ({ b_enc: encoderBias }),
    read: async (tensor) => ({ encoderBias: await tensor('b_enc'), perFeature: {} }),
  },
} satisfies Kind<'relu'>;
