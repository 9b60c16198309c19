// Who may ask the web host for anything: a pure function of what a request says about itself. Against
//   DNS rebinding                 Host must be one of our own names; its port may be another where it is forwarded
//   cross-site requests           a foreign Origin, or a browser's word that the request is from elsewhere, is refused
//   cross-site WebSocket          an upgrade must carry our Origin: no browser lets a page forge it
//   other people of this machine  without the cookie nothing is served; the cookie is given for a token used once
// What is not allowed here is refused; there are no CORS headers, and no exceptions for any path.
import { createHmac, timingSafeEqual } from 'node:crypto';

export interface Asked {
  readonly method: string;
  /** Path and query as they came. */
  readonly url: string;
  readonly host: string | undefined;
  readonly origin: string | undefined;
  readonly fetchSite: string | undefined;
  readonly cookie: string | undefined;
  /** It wants to become a WebSocket. */
  readonly isUpgrade: boolean;
}

export interface Policy {
  readonly port: number;
  /** What Host may be, its port left out: a forwarded port commonly has another number. */
  readonly hosts: readonly string[];
  /** What cookies are made from. */
  readonly secret: string;
  /** Milliseconds since 1970. */
  readonly now: number;
  /** Launch tokens that were not used yet, and have not expired. */
  readonly launchTokens: readonly string[];
}

const DAY_MS = 24 * 60 * 60 * 1000;
/** A browser that has not asked for this long signs in again. */
const SESSION_MS = 30 * DAY_MS;
/** A cookie that is older is replaced by a new one. */
const RENEWED_MS = DAY_MS;

export type Verdict =
  /** `renews`: with a new cookie. */
  | { readonly kind: 'serve'; readonly renews: boolean }
  /** Give the cookie, forget the token, go to the clean address. */
  | { readonly kind: 'signIn'; readonly token: string }
  | { readonly kind: 'refuse'; readonly status: 400 | 401 | 403 | 429; readonly reason: string };

const refuse = (status: 400 | 401 | 403, reason: string): Verdict => ({ kind: 'refuse', status, reason });

export function judge(asked: Asked, policy: Policy): Verdict {
  const name = asked.host?.replace(/:\d{1,5}$/u, '');
  if (name === undefined || !policy.hosts.includes(name)) return refuse(403, 'Wrong host.');
  const own = `http://${asked.host}`;
  if (asked.origin !== undefined && asked.origin !== own) return refuse(403, 'Wrong origin.');
  if (asked.isUpgrade && asked.origin === undefined) return refuse(403, 'No origin.');
  // 'none': typed into the address bar. Absent: no browser, or an old one; cookie and Origin still hold.
  if (asked.fetchSite !== undefined && asked.fetchSite !== 'same-origin' && asked.fetchSite !== 'none') {
    return refuse(403, 'Asked from another site.');
  }
  if (!asked.url.startsWith('/') || !URL.canParse(asked.url, own)) return refuse(400, 'Bad request.');
  const { pathname, searchParams, origin } = new URL(asked.url, own);
  if (origin !== own) return refuse(400, 'Bad request.'); // '//elsewhere/'
  const ages = cookiesNamed(cookieName(policy.port), asked.cookie).map((value) => ageOfSession(value, policy));
  const age = Math.min(...ages.filter((each) => each !== null));
  const token = searchParams.get('token');
  if (token !== null && pathname === '/' && !asked.isUpgrade && asked.method === 'GET') {
    const known = policy.launchTokens.find((launch) => isSame(launch, token));
    if (known !== undefined) return { kind: 'signIn', token: known };
  }
  return age < SESSION_MS
    ? { kind: 'serve', renews: age >= RENEWED_MS }
    : refuse(401, 'Not signed in: open the address that Errata printed.');
}

/** Cookies are shared by all ports of a host, so each port has one of its own. */
export function cookieName(port: number): string {
  return `errata-${port}`;
}

/**
 * What the cookie holds: when it was given, and a proof that this host gave it. Not the secret itself, and worth nothing to a
 * host on another port.
 */
export function sessionValue({ secret, port, now }: Pick<Policy, 'secret' | 'port' | 'now'>): string {
  const proof = createHmac('sha256', secret).update(`errata web session ${port} ${now}`).digest('base64url');
  return `${now}.${proof}`;
}

/** In milliseconds; null for what this host never gave. */
function ageOfSession(value: string, { secret, port, now }: Policy): number | null {
  const given = Number(/^(\d{1,15})\./u.exec(value)?.[1] ?? NaN);
  if (!Number.isSafeInteger(given) || !isSame(value, sessionValue({ secret, port, now: given }))) return null;
  return Math.max(0, now - given); // the clock may have been set back
}

/** Compares in a time that does not depend on where the two differ. */
export function isSame(a: string, b: string): boolean {
  const [left, right] = [a, b].map((text) => createHmac('sha256', 'length').update(text).digest());
  return left !== undefined && right !== undefined && timingSafeEqual(left, right);
}

function cookiesNamed(name: string, header: string | undefined): readonly string[] {
  return (header ?? '')
    .split(';')
    .map((part) => part.trim())
    .filter((part) => part.startsWith(`${name}=`))
    .map((part) => part.slice(name.length + 1));
}
