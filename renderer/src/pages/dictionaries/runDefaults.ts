// What a form begins with: values that give a good dictionary for most models without a second thought.

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
