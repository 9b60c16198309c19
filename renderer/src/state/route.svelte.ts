// Where the window is: `#/view/part/part?key=value`. The hash is the only place that holds it, so back, forward, reload and
// deep links work in every host.
import { formatRoute, parseRoute, type Route } from './routeHash.ts';

let current = $state.raw<Route>(parseRoute(location.hash));

window.addEventListener('hashchange', () => {
  current = parseRoute(location.hash);
});

export const route = {
  get view(): string {
    return current.view;
  },
  /** What follows the view: names, numbers. */
  get parts(): readonly string[] {
    return current.parts;
  },
  get query(): Readonly<Record<string, string>> {
    return current.query;
  },
};

/** Goes to a place; the back button returns. */
export function navigate(
  view: string,
  parts: readonly string[] = [],
  query: Readonly<Record<string, string>> = {},
): void {
  location.hash = formatRoute({ view, parts, query });
}

/** Goes to a view unless the window is at one of `known` already, leaving no step in the history: the back button would return to
 *  nowhere. The address is asked, not what was last read of it: it may have changed a moment ago. */
export function settle(known: readonly string[], view: string): void {
  if (known.includes(parseRoute(location.hash).view)) return;
  location.replace(formatRoute({ view, parts: [], query: {} }));
}

/** Changes keys of the query in place, without a step of its own in the history; null removes a key. */
export function setQuery(changes: Readonly<Record<string, string | null>>): void {
  const query = { ...current.query };
  for (const [key, value] of Object.entries(changes)) {
    if (value === null) delete query[key];
    else query[key] = value;
  }
  const next = { ...current, query };
  if (formatRoute(next) === formatRoute(current)) return;
  history.replaceState(history.state, '', formatRoute(next));
  current = next;
}

/** For the href of a link. */
export function linkTo(
  view: string,
  parts: readonly string[] = [],
  query: Readonly<Record<string, string>> = {},
): string {
  return formatRoute({ view, parts, query });
}
