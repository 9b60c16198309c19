// All features of one dictionary with what is said of them: how often each fires (one array from the host) and its label. The
// list sorts and filters them here; texts are searched by the host, which has an index of them.
import { SvelteMap } from 'svelte/reactivity';
import { untrack } from 'svelte';
import { blobs } from '../../../../main/contract/blobs.ts';
import { AppError, toAppError } from '../../../../main/contract/errors.ts';
import { api, onChanged } from '../../api/session.svelte.ts';
import type { Dictionary, Label } from '../../api/types.ts';

const PAGE = 10_000;

export interface FeatureTable {
  readonly size: number;
  /** Null until known, and where the dictionary was never measured. */
  readonly firingRates: Float32Array | null;
  readonly labels: ReadonlyMap<number, Label>;
  readonly error: AppError | null;
  /** Whether labels and rates have come. */
  readonly isLoaded: boolean;
  /** Takes over what a write has given back, before the host announces it. */
  readonly put: (feature: number, label: Label | null) => void;
}

async function fetchRates(name: string, size: number, signal: AbortSignal): Promise<Float32Array> {
  const response = await fetch(blobs.firingRates(name), { signal });
  if (!response.ok)
    throw new AppError('not-found', `The firing rates of ${name} could not be read (${response.status}).`);
  const rates = new Float32Array(await response.arrayBuffer());
  if (rates.length !== size)
    throw new AppError('mismatch', `${name} has ${size} features, but ${rates.length} firing rates.`);
  return rates;
}

async function fetchLabels(dictionary: string, signal: AbortSignal): Promise<readonly Label[]> {
  const all: Label[] = [];
  for (;;) {
    const last = all.at(-1);
    const page = await api.label.list(
      { dictionary, limit: PAGE, ...(last ? { after: { dictionary, feature: last.feature } } : {}) },
      { signal },
    );
    all.push(...page);
    if (page.length < PAGE) return all;
  }
}

/** To be called while a component is set up. */
export function featureTable(dictionary: () => Dictionary): FeatureTable {
  const labels = new SvelteMap<number, Label>();
  let firingRates = $state.raw<Float32Array | null>(null);
  let error = $state.raw<AppError | null>(null);
  let isLoaded = $state(false);
  let round = $state(0);
  const name = $derived(dictionary().name);
  const size = $derived(dictionary().size);
  const hash = $derived(dictionary().quality?.hash);

  function failed(thrown: unknown) {
    const problem = toAppError(thrown);
    if (problem.code !== 'cancelled' && problem.code !== 'disconnected') error = problem;
  }

  $effect(() => {
    const abort = new AbortController();
    if (hash !== undefined) fetchRates(name, size, abort.signal).then((rates) => (firingRates = rates), failed);
    return () => abort.abort();
  });

  $effect(() => {
    void round;
    const abort = new AbortController();
    if (hash === undefined) return;
    fetchLabels(hash, abort.signal).then((fetched) => {
      untrack(() => {
        const gone = new SvelteMap(labels);
        for (const { feature } of fetched) gone.delete(feature);
        for (const feature of gone.keys()) labels.delete(feature);
        for (const label of fetched) {
          if (labels.get(label.feature)?.revision !== label.revision) labels.set(label.feature, label);
        }
      });
      isLoaded = true;
    }, failed);
    return () => abort.abort();
  });

  $effect(() => onChanged(['labels', 'history'], () => (round += 1)));

  return {
    get size() {
      return size;
    },
    get firingRates() {
      return firingRates;
    },
    labels,
    get error() {
      return error;
    },
    get isLoaded() {
      return isLoaded;
    },
    put: (feature, label) => {
      if (label) labels.set(feature, label);
      else labels.delete(feature);
    },
  };
}
