// Where the sites of a model lie on its drawing: one line per block, the residual stream running from left to right, attention
// and feed-forward hanging from it.

/** Of a block's line, from 0 (its beginning) to 1; `level`: on the stream, or on what hangs from it. */
interface Spot {
  readonly at: number;
  readonly level: 'stream' | 'box';
  readonly text: string;
}

const SPOTS: Readonly<Record<string, Spot>> = {
  hook_resid_pre: { at: 0.02, level: 'stream', text: 'resid_pre' },
  'ln1.hook_normalized': { at: 0.13, level: 'box', text: 'ln1' },
  'attn.hook_z': { at: 0.3, level: 'box', text: 'z' },
  hook_attn_out: { at: 0.42, level: 'box', text: 'attn_out' },
  hook_resid_mid: { at: 0.51, level: 'stream', text: 'resid_mid' },
  'ln2.hook_normalized': { at: 0.6, level: 'box', text: 'ln2' },
  'mlp.hook_post': { at: 0.77, level: 'box', text: 'post' },
  hook_mlp_out: { at: 0.89, level: 'box', text: 'mlp_out' },
  hook_resid_post: { at: 0.98, level: 'stream', text: 'resid_post' },
};

export interface DrawnSite extends Spot {
  readonly name: string;
}

export interface Drawing {
  readonly before: readonly string[];
  readonly blocks: readonly { readonly block: number; readonly sites: readonly DrawnSite[] }[];
  readonly after: readonly string[];
  /** Sites that have no place on the drawing: none is lost. */
  readonly others: readonly string[];
}

export function drawSites(sites: readonly { readonly name: string; readonly block: number | null }[]): Drawing {
  const before: string[] = [];
  const after: string[] = [];
  const others: string[] = [];
  const blocks = new Map<number, DrawnSite[]>();
  for (const { name, block } of sites) {
    if (block === null) {
      (blocks.size === 0 ? before : after).push(name);
      continue;
    }
    const own = blocks.get(block) ?? [];
    blocks.set(block, own);
    const spot = SPOTS[name.replace(/^blocks\.\d+\./u, '')];
    if (spot) own.push({ name, ...spot });
    else others.push(name);
  }
  return { before, blocks: [...blocks].map(([block, drawn]) => ({ block, sites: drawn })), after, others };
}
