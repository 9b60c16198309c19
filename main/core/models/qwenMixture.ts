// The mixtures of Qwen 2, Qwen 3 and OLMoE, which config.json says with the same fields.
import type { ConfigFields } from './config.ts';
import { readExperts } from './mixture.ts';

/** @param usual where config.json does not say it. */
export function qwenMixture(fields: ConfigFields, usual: { readonly experts: number; readonly width: number }) {
  const layers = fields.layers('num_hidden_layers');
  const every = fields.size('decoder_sparse_step', 1);
  const dense = fields.indices('mlp_only_layers', layers);
  return {
    ...readExperts(fields, ['num_experts', 'num_local_experts'], usual.experts),
    blocks: Array.from({ length: layers }, (_, block) => block).filter(
      (block) => !dense.includes(block) && (block + 1) % every === 0,
    ),
    width: fields.size('moe_intermediate_size', usual.width),
    isNormalized: fields.boolean('norm_topk_prob', false),
    names: {
      router: 'mlp.gate',
      experts: 'mlp.experts',
      products: ['gate_proj', 'up_proj', 'down_proj'],
    },
  } as const;
}
