// What the map shows of all features at once: places, the statistic or states they are coloured by. Arrays from the host.
import { ARRAY_HEADER, blobs, type ArrayFacts } from '../../../../main/contract/api/blobs.ts';
import { AppError, toAppError } from '../../../../main/contract/base/errors.ts';
import { contract } from '../../../../main/contract/api/contract.ts';
import { api, onChanged } from '../../api/session.svelte.ts';
import type { MapColour } from './mapColours.ts';

async function fetchArray(address: string, signal: AbortSignal): Promise<ArrayBuffer> {
  const response = await fetch(address, { signal });
  if (!response.ok) throw new AppError('not-found', `The map’s data could not be read (${response.status}).`);
  const { dtype } = JSON.parse(response.headers.get(ARRAY_HEADER) ?? '{}') as Partial<ArrayFacts>;
  if (dtype === undefined) throw new AppError('invalid-file', 'The map’s data came without its type.');
  return response.arrayBuffer();
}

/** `values`: a statistic; `states`: indices in LABEL_STATES; `members`: the features with a tag or on a list. */
export type ColourData =
  { readonly values: Float32Array } | { readonly states: Uint8Array } | { readonly members: ReadonlySet<number> };

export interface MapData {
  readonly places: Float32Array | null;
  readonly colour: ColourData | null;
  readonly error: AppError | null;
}

async function fetchColour(dictionary: string, colour: MapColour, signal: AbortSignal): Promise<ColourData> {
  if (colour.by === 'statistic') {
    const bytes = await fetchArray(blobs.featureStatistic(dictionary, colour.statistic), signal);
    return { values: new Float32Array(bytes) };
  }
  if (colour.by === 'state') return { states: new Uint8Array(await fetchArray(blobs.labelStates(dictionary), signal)) };
  const { features } = await api.feature.select({ dictionary, [colour.by]: colour.name }, { signal });
  return { members: new Set(features) };
}

/** To be called while a component is set up. */
export function mapData(dictionary: () => string, colour: () => MapColour): MapData {
  let places = $state.raw<Float32Array | null>(null);
  let colourData = $state.raw<ColourData | null>(null);
  let error = $state.raw<AppError | null>(null);
  let round = $state(0);

  function failed(thrown: unknown) {
    if (thrown instanceof DOMException && thrown.name === 'AbortError') return;
    const problem = toAppError(thrown);
    if (problem.code !== 'cancelled' && problem.code !== 'disconnected') error = problem;
  }

  $effect(() => {
    const abort = new AbortController();
    fetchArray(blobs.featureMap(dictionary()), abort.signal).then((bytes) => {
      places = new Float32Array(bytes);
      error = null;
    }, failed);
    return () => abort.abort();
  });
  $effect(() => {
    void round;
    const abort = new AbortController();
    fetchColour(dictionary(), colour(), abort.signal).then((data) => {
      if (!abort.signal.aborted) colourData = data;
    }, failed);
    return () => abort.abort();
  });
  $effect(() => onChanged(contract.feature.select.shows, () => (round += colour().by === 'statistic' ? 0 : 1)));

  return {
    get places() {
      return places;
    },
    get colour() {
      return colourData;
    },
    get error() {
      return error;
    },
  };
}
