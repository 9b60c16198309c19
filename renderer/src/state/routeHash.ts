// The text form of a place in the window.

export interface Route {
  readonly view: string;
  readonly parts: readonly string[];
  readonly query: Readonly<Record<string, string>>;
}

export function parseRoute(hash: string): Route {
  const [path = '', search = ''] = hash.replace(/^#?\/?/u, '').split('?', 2);
  const [view = '', ...parts] = path
    .split('/')
    .filter((part) => part !== '')
    .map(decode);
  return { view, parts, query: Object.fromEntries(new URLSearchParams(search)) };
}

export function formatRoute({ view, parts, query }: Route): string {
  const path = [view, ...parts].map(encodeURIComponent).join('/');
  const search = new URLSearchParams(query).toString();
  return `#/${path}${search === '' ? '' : `?${search}`}`;
}

/** A hand-made link may hold a stray percent sign. */
function decode(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}
