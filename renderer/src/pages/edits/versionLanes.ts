// The graph of versions, one row each, newest first: which lane a version lies in, and which lines cross its row.

export interface GraphLine {
  /** `in`: from the top of the row to the version; `out`: from the version to the bottom; `pass`: by the version. */
  readonly kind: 'in' | 'out' | 'pass';
  /** The lane at the other end; a line that passes stays in it. */
  readonly lane: number;
}

export interface GraphRow {
  readonly id: string;
  readonly lane: number;
  readonly lines: readonly GraphLine[];
  /** How many lanes the row has. */
  readonly lanes: number;
}

/** @param versions each before its parents. */
export function versionLanes(
  versions: readonly { readonly id: string; readonly parents: readonly string[] }[],
): readonly GraphRow[] {
  const known = new Set(versions.map(({ id }) => id));
  /** Of each lane the version that it leads down to. */
  let above: (string | null)[] = [];
  return versions.map(({ id, parents }) => {
    const lane = firstOf(above, id) ?? firstOf(above, null) ?? above.length;
    const lines: GraphLine[] = [];
    above.forEach((target, from) => {
      if (target === id) lines.push({ kind: 'in', lane: from });
      else if (target !== null) lines.push({ kind: 'pass', lane: from });
    });
    const below = above.map((target) => (target === id ? null : target));
    while (below.length <= lane) below.push(null);
    parents
      .filter((parent) => known.has(parent))
      .forEach((parent, index) => {
        // The first parent goes on in the version's own lane, another joins the lane that leads to it, or opens one.
        const to = index === 0 ? lane : (firstOf(below, parent) ?? firstOf(below, null) ?? below.length);
        below[to] = parent;
        lines.push({ kind: 'out', lane: to });
      });
    const lanes = Math.max(above.length, below.length);
    while (below.length > 0 && below.at(-1) === null) below.pop();
    above = below;
    return { id, lane, lines, lanes };
  });
}

function firstOf(lanes: readonly (string | null)[], target: string | null): number | null {
  const at = lanes.indexOf(target);
  return at < 0 ? null : at;
}
