// The list of features that an address asks for: order, filters, search. All of it is in the query of the hash, so that a link
// shows a colleague the same list.
import { FEATURE_STATISTICS } from '../../../../main/contract/api/feature.ts';
import { LABEL_STATES } from '../../../../main/contract/domain/label.ts';
import type { FeatureQuery, LabelState } from '../../api/types.ts';

export type Statistic = (typeof FEATURE_STATISTICS)[number];

/** Whether an order needs statistics, which column it is, and whether the largest comes first. */
const ORDER_LIST = [
  { name: 'number', title: 'By number', order: 'feature', isDescending: false, needsStatistics: false },
  { name: 'queue', title: 'Label priority', order: 'impact', isDescending: true, needsStatistics: false },
  { name: 'labelled', title: 'Labelled first', order: 'labelled', isDescending: false, needsStatistics: false },
  { name: 'label', title: 'By label', order: 'label', isDescending: false, needsStatistics: false },
  { name: 'confidence', title: 'Most certain label', order: 'confidence', isDescending: true, needsStatistics: false },
  { name: 'rate', title: 'Most often firing', order: 'rate', isDescending: true, needsStatistics: false },
  { name: 'rarest', title: 'Rarest', order: 'rate', isDescending: false, needsStatistics: false },
  { name: 'impact', title: 'Largest effect on the logits', order: 'impact', isDescending: true, needsStatistics: true },
  { name: 'max', title: 'Highest activation', order: 'max', isDescending: true, needsStatistics: true },
  { name: 'mean', title: 'Highest mean activation', order: 'mean', isDescending: true, needsStatistics: true },
  { name: 'lastRate', title: 'Most on last tokens', order: 'lastRate', isDescending: true, needsStatistics: true },
  {
    name: 'topEffect',
    title: 'Largest effect on one token',
    order: 'topEffect',
    isDescending: true,
    needsStatistics: true,
  },
  { name: 'entropy', title: 'Most specific effect', order: 'entropy', isDescending: false, needsStatistics: true },
  { name: 'nearest', title: 'Closest to another feature', order: 'nearest', isDescending: true, needsStatistics: true },
] as const;
export type Order = (typeof ORDER_LIST)[number];
export const ORDERS: readonly Order[] = ORDER_LIST;

export interface Range {
  readonly statistic: Statistic;
  readonly min: number | null;
  readonly max: number | null;
}

export interface ListRequest {
  readonly order: Order;
  readonly search: string;
  readonly state: LabelState | null;
  readonly tag: string;
  readonly list: string;
  readonly hidesDead: boolean;
  readonly ranges: readonly Range[];
}

/**
 * What is not understood is left out: a hand-made link still shows a list.
 * @param opensBy the order where the address names none
 */
export function listRequest(
  query: Readonly<Record<string, string>>,
  opensBy: 'number' | 'labelled' = 'number',
): ListRequest {
  const orderNamed = (wanted: string | undefined) => ORDERS.find(({ name }) => name === wanted);
  return {
    order: orderNamed(query['order']) ?? orderNamed(opensBy) ?? ORDER_LIST[0],
    search: (query['q'] ?? '').slice(0, 500),
    state: LABEL_STATES.find((state) => state === query['state']) ?? null,
    tag: query['tag'] ?? '',
    list: query['list'] ?? '',
    hidesDead: query['dead'] === 'hidden',
    ranges: parseRanges(query['range'] ?? ''),
  };
}

/** Features that fire at all. */
export const FIRES = { rate: { min: Number.MIN_VALUE } } as const;

/** 'rate:0.001:,max::5': at least 0.001, at most 5. */
export function parseRanges(text: string): readonly Range[] {
  return text.split(',').flatMap((part): Range[] => {
    const [name = '', min = '', max = '', ...more] = part.split(':');
    const statistic = FEATURE_STATISTICS.find((each) => each === name);
    const number = (end: string) => (end.trim() === '' ? null : Number(end));
    const range = { min: number(min), max: number(max) };
    const isNumber = (end: number | null) => end === null || Number.isFinite(end);
    if (!statistic || more.length > 0 || !isNumber(range.min) || !isNumber(range.max)) return [];
    return range.min === null && range.max === null ? [] : [{ statistic, ...range }];
  });
}

export function formatRanges(ranges: readonly Range[]): string {
  return ranges.map(({ statistic, min, max }) => `${statistic}:${min ?? ''}:${max ?? ''}`).join(',');
}

export function isFiltered({ search, state, tag, list, hidesDead, ranges }: ListRequest): boolean {
  return search.trim() !== '' || state !== null || tag !== '' || list !== '' || hidesDead || ranges.length > 0;
}

/** @param among only these: what was drawn around on the map; null: all. */
export function toFeatureQuery(
  dictionary: string,
  request: ListRequest,
  among: readonly number[] | null = null,
): FeatureQuery {
  const { order, search, state, tag, list, hidesDead, ranges } = request;
  const wanted: Partial<Record<Statistic, { min?: number; max?: number }>> = {};
  for (const { statistic, min, max } of ranges) {
    wanted[statistic] = { ...(min === null ? {} : { min }), ...(max === null ? {} : { max }) };
  }
  if (hidesDead) wanted.rate = { ...wanted.rate, min: Math.max(wanted.rate?.min ?? 0, FIRES.rate.min) };
  return {
    dictionary,
    ...(order.order === 'feature' ? {} : { order: order.order }),
    ...(order.isDescending ? { descending: true } : {}),
    ...(search.trim() === '' ? {} : { search: search.trim() }),
    ...(state === null ? {} : { states: [state] }),
    ...(tag === '' ? {} : { tag }),
    ...(list === '' ? {} : { list }),
    ...(Object.keys(wanted).length === 0 ? {} : { ranges: wanted }),
    ...(among === null ? {} : { features: [...among] }),
  };
}

/** What has no label yet and fires at all, the most often used with the largest effect first. */
export function queueQuery(dictionary: string): FeatureQuery {
  return {
    dictionary,
    order: 'impact',
    descending: true,
    states: ['unlabelled'],
    ranges: FIRES,
  };
}
