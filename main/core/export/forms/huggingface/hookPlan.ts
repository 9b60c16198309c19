// Which module of a transformers model each site of an edit is hooked at; the names are the architecture's own.
import type { Operation } from '../../../../contract/domain/operations/index.ts';
import type { Model } from '../../../models/model.ts';
import { placeOfSite, type ModulePlace } from '../../../models/transformersModules.ts';
import type { Refusal } from '../../checkpoints/weightPlan.ts';

/** The place of every site of the edit, or why there is none. */
export function planHook(
  { modules }: Pick<Model, 'modules'>,
  operations: readonly Operation[],
): ReadonlyMap<string, ModulePlace> | Refusal {
  const places = new Map<string, ModulePlace>();
  for (const { site } of operations) {
    const place = places.get(site) ?? placeOfSite(modules, site);
    if (place === null) return { refused: refusal(site) };
    places.set(site, place);
  }
  return places;
}

function refusal(site: string): string {
  if (site === 'hook_embed') {
    return `No module of transformers holds ${site} of this model: choose blocks.0.hook_resid_pre.`;
  }
  if (/_(?:attn_out|mlp_out|resid_mid)$/u.test(site)) {
    return `No module of transformers holds ${site} of this model, which scales what a layer adds: choose hook_resid_pre or hook_resid_post.`;
  }
  return `No module of transformers holds ${site}: it is inside a norm.`;
}
