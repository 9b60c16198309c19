// What a form begins with: values that give a good dictionary for most models without a second thought.

/** Fewer than the command line takes (runSettings): a first dictionary in minutes, while somebody waits. */
export const FORM_STEPS = 4000;

/** Eight features per number of the activation, as a power of two. */
export function defaultSize(width: number): number {
  const wanted = 2 ** Math.round(Math.log2(Math.max(1, width) * 8));
  return Math.max(256, Math.min(32768, wanted));
}

/** A name that is not taken: `base`, `base-2`, `base-3` … */
export function freeName(base: string, taken: readonly string[]): string {
  const clean =
    base
      .replace(/[^A-Za-z0-9._-]+/gu, '-')
      .replace(/^[^A-Za-z0-9]+/u, '')
      .slice(0, 90) || 'unnamed';
  if (!taken.includes(clean)) return clean;
  for (let number = 2; ; number++) if (!taken.includes(`${clean}-${number}`)) return `${clean}-${number}`;
}

/** What activations are called: by their site, which says all there is to say in a project of one model. */
export function captureName(model: string, site: string, models: number): string {
  return models > 1 ? `${model}.${site}` : site;
}

/** The site that most people begin with: the residual stream in the middle of the model. */
export function defaultSite(
  sites: readonly { readonly name: string; readonly block: number | null }[],
): string | undefined {
  const streams = sites.filter(({ name }) => name.endsWith('hook_resid_post'));
  return (streams[Math.floor((streams.length - 1) / 2)] ?? sites[0])?.name;
}
