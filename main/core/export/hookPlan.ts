// Where in a transformers model of each architecture a site is: which module, and whether what goes in or what comes out. The
// names are those of transformers' modeling files.
import type { Operation } from '../edits/edit.ts';
import type { Model } from '../models/model.ts';
import type { Refusal } from './weightPlan.ts';

/** `input`: the first argument of the module; `output`: its result (the first of several). */
export interface HookPlace {
  readonly module: string;
  readonly at: 'input' | 'output';
  /**
   * For hook_resid_mid, which no module of transformers holds: the block, whose input is added to what this module gives; the
   * change goes into the module's result. Null elsewhere.
   */
  readonly plusInputOf: string | null;
}

interface ModuleNames {
  readonly embedding: string;
  readonly block: (index: number) => string;
  /** Within a block. */
  readonly attention: string;
  /** The attention's output product. */
  readonly attentionOutput: string;
  /** Whose result is what the attention adds to the stream. */
  readonly attentionWrites?: string;
  readonly mlpOutput: string;
  readonly mlpWrites: string;
}

const llamaLike: ModuleNames = {
  embedding: 'model.embed_tokens',
  block: (index) => `model.layers.${index}`,
  attention: 'self_attn',
  attentionOutput: 'self_attn.o_proj',
  mlpOutput: 'mlp.down_proj',
  mlpWrites: 'mlp',
};

const gemmaLike: ModuleNames = {
  ...llamaLike,
  attentionWrites: 'post_attention_layernorm',
  mlpWrites: 'post_feedforward_layernorm',
};

const MODULES: Readonly<Record<string, ModuleNames>> = {
  gpt2: {
    embedding: 'transformer.wte',
    block: (index) => `transformer.h.${index}`,
    attention: 'attn',
    attentionOutput: 'attn.c_proj',
    mlpOutput: 'mlp.c_proj',
    mlpWrites: 'mlp',
  },
  gpt_neo: {
    embedding: 'transformer.wte',
    block: (index) => `transformer.h.${index}`,
    attention: 'attn',
    attentionOutput: 'attn.attention.out_proj',
    mlpOutput: 'mlp.c_proj',
    mlpWrites: 'mlp',
  },
  gpt_neox: {
    embedding: 'gpt_neox.embed_in',
    block: (index) => `gpt_neox.layers.${index}`,
    attention: 'attention',
    attentionOutput: 'attention.dense',
    mlpOutput: 'mlp.dense_4h_to_h',
    mlpWrites: 'mlp',
  },
  phi: {
    embedding: 'model.embed_tokens',
    block: (index) => `model.layers.${index}`,
    attention: 'self_attn',
    attentionOutput: 'self_attn.dense',
    mlpOutput: 'mlp.fc2',
    mlpWrites: 'mlp',
  },
  opt: {
    embedding: 'model.decoder.embed_tokens',
    block: (index) => `model.decoder.layers.${index}`,
    attention: 'self_attn',
    attentionOutput: 'self_attn.out_proj',
    mlpOutput: 'fc2',
    mlpWrites: 'fc2',
  },
  llama: llamaLike,
  mistral: llamaLike,
  qwen2: llamaLike,
  qwen3: llamaLike,
  gemma2: gemmaLike,
  gemma3_text: gemmaLike,
};

/** The place of every site of the edit, or why there is none. */
export function planHook(
  { config, writers }: Pick<Model, 'config' | 'writers'>,
  operations: readonly Operation[],
): ReadonlyMap<string, HookPlace> | Refusal {
  const places = new Map<string, HookPlace>();
  for (const { site } of operations) {
    if (places.has(site)) continue;
    const place = placeOf(site, config.modelType, { residual: config.residual, embedding: writers.embedding.weight });
    if ('refused' in place) return place;
    places.set(site, place);
  }
  return places;
}

function placeOf(
  site: string,
  modelType: string,
  { residual, embedding }: { readonly residual: string; readonly embedding: string },
): HookPlace | Refusal {
  const names = Object.hasOwn(MODULES, modelType) ? MODULES[modelType] : undefined;
  if (!names) return { refused: `Nobody has said yet where ${modelType} has its sites in transformers.` };
  const place = (module: string, at: HookPlace['at'], plusInputOf: string | null = null) => ({
    module,
    at,
    plusInputOf,
  });
  if (site === 'hook_embed') {
    // Gemma multiplies, OPT-350M widens what this module gives, outside of any module.
    if (modelType.startsWith('gemma') || embedding.includes('project_in')) {
      return { refused: `No module of transformers holds ${site} of this model: choose blocks.0.hook_resid_pre.` };
    }
    return place(names.embedding, 'output');
  }
  const [, index, part] = /^blocks\.(\d+)\.(.+)$/u.exec(site) ?? [];
  const block = names.block(Number(index));
  const within = (name: string) => `${block}.${name}`;
  const attentionWrites = within(names.attentionWrites ?? names.attention);
  switch (part) {
    case 'hook_resid_pre':
      return place(block, 'input');
    case 'hook_resid_post':
      return place(block, 'output');
    case 'hook_resid_mid':
      if (residual === 'post-norm') return place(within('self_attn_layer_norm'), 'output');
      return place(attentionWrites, 'output', block);
    case 'hook_attn_out':
      return place(attentionWrites, 'output');
    case 'hook_mlp_out':
      return place(within(names.mlpWrites), 'output');
    case 'attn.hook_z':
      return place(within(names.attentionOutput), 'input');
    case 'mlp.hook_post':
      return place(within(names.mlpOutput), 'input');
    default:
      return { refused: `No module of transformers holds ${site}: it lies inside a norm.` };
  }
}
