// Where transformers has the sites of a model: the names of its modules, as its modeling file has them. Each architecture's
// file says it of its own; a recorded list of transformers' own names holds them to it (transformersModules.test.ts).

export interface TransformersModules {
  /** Its output is hook_embed. Null: transformers scales or widens what the module gives, outside of any module. */
  readonly embedding: string | null;
  /** The list of blocks: block 3 is `${blocks}.3`. Its input is hook_resid_pre, its output hook_resid_post. */
  readonly blocks: string;
  /** Within a block, as all that follow. Its output is hook_attn_out. Null: what it gives is scaled outside of any module. */
  readonly attention: string | null;
  /** The attention's last product: its input is attn.hook_z. */
  readonly attentionProduct: string;
  /** Its output is hook_mlp_out; null as for `attention`. */
  readonly mlp: string | null;
  /** The feed-forward layer's last product: its input is mlp.hook_post. */
  readonly mlpProduct: string;
  /** Its output is hook_resid_mid; null: no module's is, and it is the block's input plus what the attention gives. */
  readonly middle: string | null;
}

/** One place of a site, as hooks know it. */
export interface ModulePlace {
  readonly module: string;
  /** `input`: the first argument of the module; `output`: its result (the first of several). */
  readonly at: 'input' | 'output';
  /**
   * For hook_resid_mid, which no module of most architectures holds: the block, whose input is added to what this module
   * gives; the change goes into the module's result. Null elsewhere.
   */
  readonly plusInputOf: string | null;
}

/** Where a site is; null: no module holds it. */
export function placeOfSite(modules: TransformersModules, site: string): ModulePlace | null {
  const place = (module: string, at: ModulePlace['at'], plusInputOf: string | null = null) => ({
    module,
    at,
    plusInputOf,
  });
  if (site === 'hook_embed') return modules.embedding === null ? null : place(modules.embedding, 'output');
  const [, index, part = ''] = /^blocks\.(\d+)\.(.+)$/u.exec(site) ?? [];
  if (index === undefined) return null;
  const block = `${modules.blocks}.${index}`;
  const within = (name: string) => `${block}.${name}`;
  switch (part) {
    case 'hook_resid_pre':
      return place(block, 'input');
    case 'hook_resid_post':
      return place(block, 'output');
    case 'hook_resid_mid':
      if (modules.middle !== null) return place(within(modules.middle), 'output');
      return modules.attention === null ? null : place(within(modules.attention), 'output', block);
    case 'hook_attn_out':
      return modules.attention === null ? null : place(within(modules.attention), 'output');
    case 'hook_mlp_out':
      return modules.mlp === null ? null : place(within(modules.mlp), 'output');
    case 'attn.hook_z':
      return place(within(modules.attentionProduct), 'input');
    case 'mlp.hook_post':
      return place(within(modules.mlpProduct), 'input');
    default:
      return null;
  }
}
