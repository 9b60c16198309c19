// What a page may know of the host that serves it.

export interface HostFacts {
  readonly kind: 'electron' | 'web';
  /** The version of Errata. */
  readonly version: string;
}

/** Where either host tells its facts, on the page's own origin. */
export const HOST_FACTS_PATH = '/host.json';
