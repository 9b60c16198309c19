// Names that projects of the field give to places in a model, and the sites they are. An unknown name gives null: it is asked
// for, never guessed. TransformerLens renamed its hooks in version 4; both generations are here.
//
// Sources: TransformerLens (HookedTransformer's hook names; the aliases of its TransformerBridge), transformers' module paths as
// sparsify and nnsight name them (a module stands for its output), dictionary_learning_demo's submodule names.

interface Row {
  /** Its first group is the layer, where there is one. */
  readonly pattern: RegExp;
  readonly site: (layer: string) => string;
}

const block = (name: string) => (layer: string) => `blocks.${layer}.${name}`;
const row = (pattern: RegExp, name: string): Row => ({ pattern, site: block(name) });

/** Blocks in transformers' module trees: `model.layers.3`, `transformer.h.3`, `gpt_neox.layers.3`, `layers.3`, `h.3`. */
const MODULE = String.raw`^(?:model\.|language_model\.|transformer\.|gpt_neox\.|decoder\.)*(?:layers|h)\.(\d+)`;
const module = (rest: string) => new RegExp(`${MODULE}${rest}$`, 'u');

const ROWS: readonly Row[] = [
  // TransformerLens to version 3
  { pattern: /^hook_embed$/u, site: () => 'hook_embed' },
  row(/^blocks\.(\d+)\.hook_resid_pre$/u, 'hook_resid_pre'),
  row(/^blocks\.(\d+)\.hook_resid_mid$/u, 'hook_resid_mid'),
  row(/^blocks\.(\d+)\.hook_resid_post$/u, 'hook_resid_post'),
  row(/^blocks\.(\d+)\.hook_attn_out$/u, 'hook_attn_out'),
  row(/^blocks\.(\d+)\.hook_mlp_out$/u, 'hook_mlp_out'),
  row(/^blocks\.(\d+)\.attn\.hook_z$/u, 'attn.hook_z'),
  row(/^blocks\.(\d+)\.ln2\.hook_normalized$/u, 'ln2.hook_normalized'),
  row(/^blocks\.(\d+)\.mlp\.hook_post$/u, 'mlp.hook_post'),
  // TransformerLens 4
  { pattern: /^embed\.hook_out$/u, site: () => 'hook_embed' },
  row(/^blocks\.(\d+)\.hook_in$/u, 'hook_resid_pre'),
  row(/^blocks\.(\d+)\.ln2\.hook_in$/u, 'hook_resid_mid'),
  row(/^blocks\.(\d+)\.hook_out$/u, 'hook_resid_post'),
  row(/^blocks\.(\d+)\.(?:attn|ln1_post)\.hook_out$/u, 'hook_attn_out'),
  row(/^blocks\.(\d+)\.(?:mlp|ln2_post)\.hook_out$/u, 'hook_mlp_out'),
  row(/^blocks\.(\d+)\.attn\.o\.hook_in$/u, 'attn.hook_z'),
  row(/^blocks\.(\d+)\.mlp\.out\.hook_in$/u, 'mlp.hook_post'),
  // Modules of transformers
  { pattern: /^(?:model\.|transformer\.|gpt_neox\.)?(?:embed_tokens|wte|embed_in)$/u, site: () => 'hook_embed' },
  row(module(''), 'hook_resid_post'),
  row(module(String.raw`\.(?:self_attn|attn|attention)`), 'hook_attn_out'),
  row(module(String.raw`\.mlp`), 'hook_mlp_out'),
  // dictionary_learning and its demo
  row(/^resid_post_layer_?(\d+)$/u, 'hook_resid_post'),
  row(/^resid_pre_layer_?(\d+)$/u, 'hook_resid_pre'),
  row(/^resid_out_layer_?(\d+)$/u, 'hook_resid_post'),
  row(/^attn_out_layer_?(\d+)$/u, 'hook_attn_out'),
  row(/^mlp_out_layer_?(\d+)$/u, 'hook_mlp_out'),
];

/** The site of a name; null for a name that is not in the table. */
export function siteOfName(name: string): string | null {
  for (const { pattern, site } of ROWS) {
    const found = pattern.exec(name);
    if (found) return site(found[1] ?? '');
  }
  return null;
}

/** The first part of a path that names a place, as `resid_post_layer_8` in `…/resid_post_layer_8/trainer_0/ae.pt`. */
export function siteNameInPath(place: string): string | null {
  return place.split('/').findLast((part) => siteOfName(part) !== null) ?? null;
}
