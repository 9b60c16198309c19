// The graph of versions: ancestors, common ancestors, the order of a log, and bisection. Pure: it knows ids and parents,
// not what the versions hold. A parent that is not in the graph is treated as having no parents.
import type { BisectMarks, BisectStep } from '../../contract/domain/bisection.ts';
import { AppError } from '../../contract/base/errors.ts';
import { shortId } from './version.ts';

export type VersionGraph = ReadonlyMap<string, { readonly parents: readonly string[]; readonly time: string }>;

/** `ids` and everything behind them. */
export function ancestors(graph: VersionGraph, ...ids: readonly string[]): ReadonlySet<string> {
  const found = new Set<string>();
  const open = [...ids];
  for (let id = open.pop(); id !== undefined; id = open.pop()) {
    if (found.has(id)) continue;
    found.add(id);
    open.push(...(graph.get(id)?.parents ?? []));
  }
  return found;
}

/** The common ancestors that no other common ancestor descends from, sorted: usually one. */
export function mergeBases(graph: VersionGraph, a: string, b: string): readonly string[] {
  const ofA = ancestors(graph, a);
  const common = [...ancestors(graph, b)].filter((id) => ofA.has(id));
  const behind = new Set<string>();
  for (const id of ancestors(graph, ...common.flatMap((each) => graph.get(each)?.parents ?? []))) behind.add(id);
  return common.filter((id) => !behind.has(id)).sort();
}

/** `heads` and everything behind them: a version before its parents, otherwise the newest first. */
export function logOrder(graph: VersionGraph, heads: readonly string[]): readonly string[] {
  const members = ancestors(graph, ...heads);
  const children = new Map<string, number>();
  for (const id of members) {
    for (const parent of graph.get(id)?.parents ?? []) children.set(parent, (children.get(parent) ?? 0) + 1);
  }
  const newestFirst = (a: string, b: string) => {
    const timeA = graph.get(a)?.time ?? '';
    const timeB = graph.get(b)?.time ?? '';
    return timeA !== timeB ? (timeA < timeB ? 1 : -1) : a < b ? 1 : -1;
  };
  const ready = [...members].filter((id) => !children.has(id)).sort(newestFirst);
  const order: string[] = [];
  for (let id = ready.shift(); id !== undefined; id = ready.shift()) {
    order.push(id);
    for (const parent of graph.get(id)?.parents ?? []) {
      const waiting = (children.get(parent) ?? 0) - 1;
      children.set(parent, waiting);
      if (waiting > 0) continue;
      const place = ready.findIndex((other) => newestFirst(parent, other) < 0);
      ready.splice(place === -1 ? ready.length : place, 0, parent);
    }
  }
  return order;
}

export type Verdict = 'good' | 'bad' | 'skip';

/**
 * The marks a search starts from.
 * @throws AppError('usage') when a good version is not behind the bad one: then the search would have no end.
 */
export function startBisect(graph: VersionGraph, bad: string, good: readonly string[]): BisectMarks {
  const behindBad = ancestors(graph, bad);
  for (const id of good) {
    if (id !== bad && behindBad.has(id)) continue;
    throw new AppError(
      'usage',
      `Version ${shortId(id)} cannot be the good one: it is not behind the bad version ${shortId(bad)}.`,
      { details: { good: id, bad } },
    );
  }
  if (good.length === 0) throw new AppError('usage', 'Name at least one good version.');
  return { bad, good, skipped: [] };
}

/**
 * The next step of a search for the first bad version, where what is bad stays bad in every descendant. Chooses the
 * version that halves the candidates best; its ties are broken by id, so two people get the same steps.
 * @throws AppError('usage') when the marks contradict each other.
 */
export function bisectStep(graph: VersionGraph, marks: BisectMarks): BisectStep {
  const behindGood = ancestors(graph, ...marks.good);
  const candidates = new Set([...ancestors(graph, marks.bad)].filter((id) => !behindGood.has(id)));
  if (candidates.size === 0) {
    throw new AppError(
      'usage',
      `Version ${shortId(marks.bad)} is marked bad, but a version built on it is marked good.`,
    );
  }
  if (candidates.size === 1) return { kind: 'found', firstBad: marks.bad };
  const skipped = new Set(marks.skipped);
  const testable = [...candidates].filter((id) => id !== marks.bad && !skipped.has(id)).sort();
  let best: { version: string; score: number } | undefined;
  for (const version of testable) {
    let behind = 0;
    for (const id of ancestors(graph, version)) if (candidates.has(id)) behind++;
    const score = Math.min(behind, candidates.size - behind);
    if (best === undefined || score > best.score) best = { version, score };
  }
  if (best === undefined) return { kind: 'undecided', candidates: [...candidates].sort() };
  return {
    kind: 'test',
    version: best.version,
    remaining: candidates.size,
    steps: Math.ceil(Math.log2(candidates.size)),
  };
}

export function markVersion(marks: BisectMarks, version: string, verdict: Verdict): BisectMarks {
  switch (verdict) {
    case 'good':
      return { ...marks, good: [...marks.good, version] };
    case 'bad':
      return { ...marks, bad: version };
    case 'skip':
      return { ...marks, skipped: [...marks.skipped, version] };
  }
}

/** Runs the search to its end with `judge`, for behaviours that a program can evaluate. */
export async function bisect(
  graph: VersionGraph,
  marks: BisectMarks,
  judge: (version: string, step: Extract<BisectStep, { kind: 'test' }>) => Promise<Verdict>,
): Promise<Exclude<BisectStep, { kind: 'test' }>> {
  for (let current = marks; ;) {
    const step = bisectStep(graph, current);
    if (step.kind !== 'test') return step;
    current = markVersion(current, step.version, await judge(step.version, step));
  }
}
