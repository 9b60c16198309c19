interface Step {
  readonly step: number;
}

/** Both in order of their steps. What was known from the first new step on is dropped. */
export function joinCurves<T extends Step>(known: readonly T[], more: readonly T[]): readonly T[] {
  const first = more[0];
  const last = known.at(-1);
  if (!first) return known;
  if (!last || last.step < first.step) return [...known, ...more];
  return [...known.filter(({ step }) => step < first.step), ...more];
}
