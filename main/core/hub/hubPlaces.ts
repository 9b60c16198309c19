// Where the cache of the Hub is, and how the Hub is reached, as the environment says it. The same variables as for
// huggingface_hub, with the same precedence, so that both use one cache.
// Invariant: the token is never part of what is returned here: hubToken.ts reads it where a request is made.
import { homedir } from 'node:os';
import { join } from 'node:path';

export type Environment = Readonly<Record<string, string | undefined>>;

export interface HubPlaces {
  /** The folder of the cache; it may not exist. */
  readonly cache: string;
  /** Without a slash at its end. */
  readonly endpoint: string;
  /** HF_HUB_OFFLINE: nothing is asked of the Hub. */
  readonly isOffline: boolean;
  /** The file that `hf auth login` writes. */
  readonly tokenFile: string;
}

const DEFAULT_ENDPOINT = 'https://huggingface.co';

export function hubPlaces(environment: Environment = process.env, home: string = homedir()): HubPlaces {
  const of = (...names: readonly string[]) =>
    names.map((name) => environment[name]?.trim()).find((value) => value !== undefined && value !== '');
  const folder = (path: string) => (path === '~' || path.startsWith('~/') ? join(home, path.slice(1)) : path);
  const own = of('HF_HOME') ?? join(of('XDG_CACHE_HOME') ?? join(home, '.cache'), 'huggingface');
  return {
    cache: folder(of('HF_HUB_CACHE', 'HUGGINGFACE_HUB_CACHE') ?? join(own, 'hub')),
    endpoint: (of('HF_ENDPOINT') ?? DEFAULT_ENDPOINT).replace(/\/+$/u, ''),
    isOffline: isTrue(of('HF_HUB_OFFLINE') ?? of('TRANSFORMERS_OFFLINE')),
    tokenFile: folder(of('HF_TOKEN_PATH') ?? join(own, 'token')),
  };
}

export function isTrue(value: string | undefined): boolean {
  return value !== undefined && ['1', 'ON', 'YES', 'TRUE'].includes(value.toUpperCase());
}
