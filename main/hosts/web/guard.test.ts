import { describe, expect, it } from 'vitest';
import { cookieName, isSame, judge, sessionValue, type Asked, type Policy } from './guard.ts';

const DAY = 24 * 60 * 60 * 1000;
const secret = 'a'.repeat(64);
const now = Date.parse('2026-12-01T12:00:00Z');
const given = (at: number, port = 4000, of = secret) => sessionValue({ secret: of, port, now: at });
const session = given(now);
const policy: Policy = {
  ...{ port: 4000, secret, now },
  hosts: ['127.0.0.1', 'localhost', '[::1]'],
  launchTokens: ['launch-token'],
};
const good: Asked = {
  method: 'GET',
  url: '/',
  host: '127.0.0.1:4000',
  origin: undefined,
  fetchSite: undefined,
  cookie: `${cookieName(4000)}=${session}`,
  isUpgrade: false,
};
const own = 'http://127.0.0.1:4000';

describe('the guard of the web host', () => {
  const table: readonly (readonly [string, Partial<Asked>, string | number])[] = [
    ['our page, typed', {}, 'serve'],
    ['our page’s script', { url: '/assets/index.js', fetchSite: 'same-origin' }, 'serve'],
    ['our page’s request', { origin: own, fetchSite: 'same-origin' }, 'serve'],
    ['by another of our names', { host: 'localhost:4000', origin: 'http://localhost:4000' }, 'serve'],
    ['a forwarded port', { host: '127.0.0.1:9000', origin: 'http://127.0.0.1:9000' }, 'serve'],
    [
      'a socket through a forwarded port',
      { host: 'localhost:9000', url: '/api', origin: 'http://localhost:9000', isUpgrade: true },
      'serve',
    ],
    ['port 80, which browsers leave out', { host: '127.0.0.1', origin: 'http://127.0.0.1' }, 'serve'],
    ['IPv6', { host: '[::1]:4000' }, 'serve'],
    ['our socket', { url: '/api', origin: own, isUpgrade: true }, 'serve'],
    ['beside other cookies', { cookie: `a=b; ${cookieName(4000)}=${session};c` }, 'serve'],
    ['with a stale cookie before it', { cookie: `errata-4000=old; errata-4000=${session}` }, 'serve'],

    ['no Host', { host: undefined }, 403],
    ['a name that points here', { host: 'evil.test:4000' }, 403],
    ['a name that begins like ours', { host: '127.0.0.1.evil.test:4000' }, 403],
    ['a name that ends like ours', { host: 'evil.test.localhost:4000' }, 403],
    ['our name in other clothes', { host: 'localhost.:4000' }, 403],
    ['upper case', { host: 'LOCALHOST:4000' }, 403],
    ['something after the port', { host: '127.0.0.1:4000.evil.test' }, 403],
    ['a port that is none', { host: '127.0.0.1:' }, 403],
    ['any address', { host: '0.0.0.0:4000' }, 403],
    ['decimal loopback', { host: '2130706433:4000' }, 403],
    ['rebinding with our cookie', { host: 'attacker.test:4000', origin: 'http://attacker.test:4000' }, 403],

    ['a foreign origin', { origin: 'http://evil.test' }, 403],
    ['an opaque origin', { origin: 'null' }, 403],
    ['another port’s page', { origin: 'http://127.0.0.1:3000' }, 403],
    ['https of ours', { origin: 'https://127.0.0.1:4000' }, 403],
    ['our other name’s page', { origin: 'http://localhost:4000' }, 403],
    ['our page through another port', { host: '127.0.0.1:9000', origin: own }, 403],
    ['cross-site', { fetchSite: 'cross-site' }, 403],
    ['same-site: another port of this machine', { fetchSite: 'same-site' }, 403],
    ['a socket without origin', { url: '/api', isUpgrade: true }, 403],
    ['a socket of a foreign page', { url: '/api', isUpgrade: true, origin: 'http://evil.test' }, 403],
    ['a socket with our origin and no cookie', { url: '/api', isUpgrade: true, origin: own, cookie: undefined }, 401],

    ['no cookie', { cookie: undefined }, 401],
    ['a wrong cookie', { cookie: `errata-4000=${'x'.repeat(43)}` }, 401],
    ['an empty cookie', { cookie: 'errata-4000=' }, 401],
    ['the cookie of another port', { cookie: `errata-4001=${session}` }, 401],
    ['a cookie whose name ends like ours', { cookie: `xerrata-4000=${session}` }, 401],
    ['a value of another port', { cookie: `errata-4000=${given(now, 4001)}` }, 401],

    ['a cookie of 29 days', { cookie: `errata-4000=${given(now - 29 * DAY)}` }, 'serve'],
    ['a cookie of 30 days', { cookie: `errata-4000=${given(now - 30 * DAY)}` }, 401],
    ['a cookie made younger', { cookie: `errata-4000=${given(now - 30 * DAY).replace(/^\d+/u, String(now))}` }, 401],
    ['a cookie of before the clock was set back', { cookie: `errata-4000=${given(now + DAY)}` }, 'serve'],
    ['a cookie of another secret', { cookie: `errata-4000=${given(now, 4000, 'b'.repeat(64))}` }, 401],
    ['a cookie without its time', { cookie: `errata-4000=${session.replace(/^\d+\./u, '')}` }, 401],

    ['the launch token', { cookie: undefined, url: '/?token=launch-token' }, 'signIn'],
    ['a wrong token', { cookie: undefined, url: '/?token=launch-toke' }, 401],
    ['an empty token', { cookie: undefined, url: '/?token=' }, 401],
    ['a used token, signed in', { url: '/?token=used' }, 'serve'],
    ['the token elsewhere', { cookie: undefined, url: '/api?token=launch-token' }, 401],
    ['the token for a socket', { cookie: undefined, url: '/?token=launch-token', isUpgrade: true, origin: own }, 401],
    ['the token by POST', { cookie: undefined, url: '/?token=launch-token', method: 'POST' }, 401],
    ['the token from elsewhere', { cookie: undefined, url: '/?token=launch-token', fetchSite: 'cross-site' }, 403],

    ['another authority', { url: '//evil.test/' }, 400],
    ['an absolute address', { url: 'http://evil.test/' }, 400],
    ['no address', { url: '' }, 400],
    ['an authority that is none', { url: '//x:99999/' }, 400],
  ];
  it.each(table)('%s', (_what, asked, expected) => {
    const verdict = judge({ ...good, ...asked }, policy);
    expect(verdict.kind === 'refuse' ? verdict.status : verdict.kind).toBe(expected);
  });

  it('renews a cookie after a day', () => {
    const renewed = (age: number) => judge({ ...good, cookie: `errata-4000=${given(now - age)}` }, policy);
    expect([renewed(0), renewed(DAY - 1), renewed(DAY)]).toEqual(
      [false, false, true].map((renews) => ({ kind: 'serve', renews })),
    );
  });

  it('compares texts of any lengths', () => {
    expect([isSame('a', 'a'), isSame('a', 'b'), isSame('a', 'aa'), isSame('', '')]).toEqual([true, false, false, true]);
  });
});
