// What a revision in the cache of the Hub is, in a word or two.
import type { CachedRevision } from '../../api/types.ts';

/** Whether it can be added as a model. */
export function canAdd({ isSupported, missing, problem }: CachedRevision): boolean {
  return problem === null && isSupported && missing.length === 0;
}

export function badgeOf(one: CachedRevision): { readonly text: string; readonly tone: 'good' | 'bad' | 'plain' } {
  const { modelType, isSupported, missing, problem } = one;
  if (problem !== null) return { text: 'refused', tone: 'bad' };
  if (modelType === null) return { text: 'not a model', tone: 'plain' };
  if (!isSupported) return { text: `${modelType}, not supported`, tone: 'plain' };
  if (missing.length === 0) return { text: modelType, tone: 'good' };
  return { text: `${missing.length} ${missing.length === 1 ? 'file' : 'files'} missing`, tone: 'bad' };
}
