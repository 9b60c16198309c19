// Gemma (Gemma Team 2024): Llama with norms whose weights are stored less 1, an embedding multiplied by √hiddenSize, and GELU.
import type { Architecture } from '../architecture.ts';
import type { ConfigFields } from '../config.ts';
import { readActivation } from '../feedForward.ts';
import { refuseBidirectional } from '../gemmaFamily.ts';
import { llamaFamily, sameWindow } from '../llamaFamily.ts';
import type { Weights } from '../weights.ts';

export function gemma(fields: ConfigFields, weights: Weights): Architecture {
  refuseBidirectional(fields);
  const hasAttentionBias = fields.boolean('attention_bias', false);
  const headDim = fields.size('head_dim', 256);
  // The first configs said "gelu" of models that were trained with its tanh approximation, which transformers uses for them.
  const named = fields.has('hidden_activation') ? 'hidden_activation' : 'hidden_act';
  const isApproximate = fields.text(named, 'gelu') === 'gelu';
  return llamaFamily(fields, weights, {
    contextLength: fields.size('max_position_embeddings', 8192),
    rmsEpsilon: 1e-6,
    norm: 'rms less 1',
    headDim,
    activation: isApproximate
      ? readActivation(fields, '', 'gelu_pytorch_tanh')
      : readActivation(fields, named, 'gelu_pytorch_tanh'),
    hasQkvBias: hasAttentionBias,
    hasOutputBias: hasAttentionBias,
    hasMlpBias: false,
    isTiedByDefault: true,
    multipliers: {
      embedding: Math.sqrt(fields.size('hidden_size')),
      attention: headDim ** -0.5,
      residual: 1,
      logitsDivisor: 1,
    },
    windows: sameWindow(fields, null),
  });
}
