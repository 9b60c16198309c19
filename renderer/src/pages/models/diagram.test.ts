import { describe, expect, it } from 'vitest';
import { drawSites } from './diagram.ts';

describe('the drawing of a model', () => {
  it('has every site exactly once, in the order of the computation', () => {
    const sites = [
      { name: 'hook_embed', block: null },
      ...[0, 1].flatMap((block) =>
        ['hook_resid_pre', 'attn.hook_z', 'hook_attn_out', 'hook_resid_post', 'hook_something_new'].map((kind) => ({
          name: `blocks.${block}.${kind}`,
          block,
        })),
      ),
      { name: 'ln_final.hook_normalized', block: null },
    ];
    const { before, blocks, after, others } = drawSites(sites);
    expect(before).toEqual(['hook_embed']);
    expect(after).toEqual(['ln_final.hook_normalized']);
    expect(others).toEqual(['blocks.0.hook_something_new', 'blocks.1.hook_something_new']);
    const drawn = blocks.flatMap(({ sites: own }) => own.map(({ name }) => name));
    expect([...before, ...drawn, ...after, ...others].sort()).toEqual(sites.map(({ name }) => name).sort());
    for (const { sites: own } of blocks) expect(own.map(({ at }) => at)).toEqual(own.map(({ at }) => at).sort());
  });
});
