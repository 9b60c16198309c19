// The same features in another dictionary of the model, and labels that could be carried over to it. Proposals only: a label is
// written when a person has accepted it.
import type { feature as contract } from '../contract/api/feature.ts';
import { AppError, toAppError } from '../contract/base/errors.ts';
import type { InputOf } from '../contract/rpc/procedure.ts';
import type { FeatureMatch, SoughtFeature } from '../core/features/matchingFeatures.ts';
import type { Authorship } from '../storage/authorship.ts';
import type { StoredLabel } from '../storage/entities/labels.ts';
import type { ComputeOptions } from './compute.ts';
import { findFinishedDictionary } from './dictionaries.ts';
import { withStatistics } from './features.ts';
import { findModelByHash, modelInput } from './models.ts';
import type { Workbench } from './workbench.ts';

const COUNT = 10;
/** Contexts of a feature's strongest examples that the two are compared on: for one feature, and where all are compared. */
const CONTEXTS = 16;
const CONTEXTS_OF_MANY = 4;
const MIN_COSINE = 0.7;
const PAGE = 10_000;

type Options = Pick<ComputeOptions<never>, 'signal' | 'onProgress'>;

/** @throws AppError `not-found`, `conflict` for a dictionary in training, `mismatch` for one of another model, `usage`. */
export async function matchFeature(
  workbench: Workbench,
  { dictionary, feature, other, count = COUNT }: InputOf<(typeof contract)['matches']>,
  options: Options,
) {
  const pair = await pairOf(workbench, dictionary, other);
  const [matches = []] = await compare(workbench, pair, [feature], { count, contexts: CONTEXTS }, options);
  const { hash, site } = pair.other;
  const { labels } = workbench.project;
  return {
    hash,
    site,
    matches: matches
      .slice(0, count)
      .map((match) => ({ ...match, label: labels.get({ dictionary: hash, feature: match.feature })?.text ?? '' })),
  };
}

/** Each labelled feature of a dictionary with the nearest of another one. @throws AppError as matchFeature. */
export async function proposeCarried(
  workbench: Workbench,
  {
    dictionary,
    other,
    minCosine = MIN_COSINE,
    minShared = 0,
    examples = minShared > 0,
  }: InputOf<(typeof contract)['carry']>,
  options: Options,
) {
  const pair = await pairOf(workbench, dictionary, other);
  const labelled = labelsOf(workbench, pair.from.hash).filter(({ text }) => text !== '');
  const sought = labelled.map(({ feature }) => feature);
  const contexts = examples || pair.from.d !== pair.other.d ? CONTEXTS_OF_MANY : 0;
  const found = await compare(workbench, pair, sought, { count: 1, contexts }, options);
  const proposals = labelled.flatMap(({ feature, text, tags }, index) => {
    const [match] = found[index] ?? [];
    if (!match || (match.cosine ?? 1) < minCosine || (match.shared ?? 1) < minShared) return [];
    if (match.cosine === null && match.shared === null) return [];
    const there = workbench.project.labels.get({ dictionary: pair.other.hash, feature: match.feature });
    const to = { ...match, label: there?.text ?? '', state: there?.state ?? ('unlabelled' as const) };
    return [{ feature, label: text, tags: [...tags], to }];
  });
  const likeness = ({ to }: (typeof proposals)[number]) => to.cosine ?? to.shared ?? 0;
  return {
    hash: pair.other.hash,
    labelled: labelled.length,
    proposals: proposals.sort((a, b) => likeness(b) - likeness(a) || a.feature - b.feature),
  };
}

export type CarriedLabel = Awaited<ReturnType<typeof proposeCarried>>['proposals'][number];

/** Writes labels onto features that have none. @returns how many. */
export function acceptCarried(
  { project }: Pick<Workbench, 'project'>,
  dictionary: string,
  proposals: readonly CarriedLabel[],
  author: Authorship,
): number {
  let written = 0;
  for (const { label, tags, to } of proposals) {
    const key = { dictionary, feature: to.feature };
    if (project.labels.get(key)) continue;
    project.labels.set(key, { text: label, tags }, author);
    written++;
  }
  return written;
}

async function pairOf(workbench: Workbench, dictionary: string, other: string) {
  const [from, to] = [
    await findFinishedDictionary(workbench, dictionary),
    await findFinishedDictionary(workbench, other),
  ];
  if (from.model.hash !== to.model.hash) {
    throw new AppError(
      'mismatch',
      `${dictionary} is of the model ${from.model.name}, and ${other} of ${to.model.name}: their features cannot be compared.`,
    );
  }
  if (from.hash === null || to.hash === null || from.hash === to.hash) {
    throw new AppError('usage', `Name another dictionary than ${dictionary}.`);
  }
  return { from: { ...from, hash: from.hash }, other: { ...to, hash: to.hash } };
}

async function compare(
  workbench: Workbench,
  { from, other }: Awaited<ReturnType<typeof pairOf>>,
  features: readonly number[],
  { count, contexts }: { readonly count: number; readonly contexts: number },
  { signal, onProgress }: Options,
): Promise<readonly (readonly FeatureMatch[])[]> {
  if (features.length === 0) return [];
  const model = await findModelByHash(workbench.project.folder, from.model.hash);
  const sought = await withContexts(workbench, from.name, features, contexts);
  if (from.d !== other.d && sought.every(({ contexts: of }) => of.length === 0)) {
    throw new AppError(
      'unsupported',
      `${from.name} and ${other.name} write ${from.d} and ${other.d} numbers, so their decoder rows cannot be compared, and without statistics of ${from.name} there are no examples. errata feature stats ${from.name} computes them.`,
    );
  }
  return workbench.compute(
    'feature.match',
    {
      model: await modelInput(workbench.project.folder, model),
      folder: from.folder,
      other: other.folder,
      features: sought.map(({ feature, contexts: of }) => ({ feature, contexts: of.map((ids) => [...ids]) })),
      count,
    },
    { ...(signal ? { signal } : {}), ...(onProgress ? { onProgress } : {}) },
  );
}

/** With contexts where the dictionary has statistics. */
async function withContexts(
  workbench: Workbench,
  dictionary: string,
  features: readonly number[],
  count: number,
): Promise<readonly SoughtFeature[]> {
  if (count === 0) return features.map((feature) => ({ feature, contexts: [] }));
  try {
    return await withStatistics(workbench, dictionary, async (reader) => {
      const sought: SoughtFeature[] = [];
      for (const feature of features) {
        sought.push({ feature, contexts: await reader.exampleContexts(feature, count) });
      }
      return sought;
    });
  } catch (thrown) {
    if (toAppError(thrown).code !== 'not-found') throw thrown;
    return features.map((feature) => ({ feature, contexts: [] }));
  }
}

function labelsOf({ project }: Workbench, dictionary: string): StoredLabel[] {
  const all: StoredLabel[] = [];
  for (;;) {
    const page = project.labels.list({ dictionary, states: ['labelled'] }, PAGE, all.at(-1) ?? null);
    all.push(...page);
    if (page.length < PAGE) return all;
  }
}
