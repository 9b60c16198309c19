import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { canonicalJson, contentId } from './canonical.ts';
import { editId, sameOperation } from './edit.ts';
import { featuresOf, MAX_OPERATIONS, parseEdit } from '../../contract/domain/edit.ts';
import type { Operation } from '../../contract/domain/operations/index.ts';
import { operationArbitrary, operationsArbitrary } from '../../testing/edits/randomEdits.ts';

const ABLATE: Operation = {
  kind: 'ablate',
  feature: 3,
  dictionary: 'a'.repeat(64),
  site: 'blocks.0.hook_resid_post',
  scope: { positions: 'all' },
  gates: [],
};

/** Rebuilds every object with its keys in a random order. */
function shuffleKeys(value: unknown, random: () => number): unknown {
  if (Array.isArray(value)) return value.map((item: unknown) => shuffleKeys(item, random));
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value).map(([key, member]: [string, unknown]) => ({ key, member, rank: random() }));
  entries.sort((a, b) => a.rank - b.rank);
  return Object.fromEntries(entries.map(({ key, member }) => [key, shuffleKeys(member, random)]));
}

describe('canonical JSON', () => {
  it('prints the example of RFC 8785, section 3.2.4, byte for byte', () => {
    const value: unknown = JSON.parse(
      String.raw`{"numbers":[333333333.33333329,1E30,4.50,2e-3,0.000000000000000000000000001],"string":"\u20ac$\u000F\u000aA'\u0042\u0022\u005c\\\"\/","literals":[null,true,false]}`,
    );
    expect(canonicalJson(value)).toBe(
      String.raw`{"literals":[null,true,false],"numbers":[333333333.3333333,1e+30,4.5,0.002,1e-27],"string":"€$\u000f\nA'B\"\\\\\"/"}`,
    );
  });

  it('sorts members by UTF-16 code units, as RFC 8785, section 3.2.3, demands', () => {
    const keys = ['€', '\r', '\ufb33', '1', '😀', '\u0080', 'ö'];
    const sorted = ['\r', '1', '\u0080', 'ö', '€', '😀', '\ufb33'];
    const value = Object.fromEntries(keys.map((key) => [key, 0]));
    expect(canonicalJson(value)).toBe(`{${sorted.map((key) => `${JSON.stringify(key)}:0`).join(',')}}`);
  });

  it('reads back as the value it was made from', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        fc.pre(JSON.stringify(value).isWellFormed() && !/\\ud[89a-f]/u.test(JSON.stringify(value)));
        expect(JSON.parse(canonicalJson(value))).toEqual(JSON.parse(JSON.stringify(value)));
      }),
    );
  });

  it.each([
    ['NaN', { a: NaN }],
    ['an infinity', [Infinity]],
    ['half a surrogate pair', '\ud800'],
    ['a date', { time: new Date(0) }],
    ['a bigint', 1n],
    ['a function', { f: () => 1 }],
    ['an undefined array item', [undefined]],
  ])('refuses %s', (_, value) => {
    expect(() => canonicalJson(value)).toThrow(expect.objectContaining({ code: 'usage' }));
  });

  it('refuses nesting that would exhaust the stack', () => {
    let deep: unknown = 0;
    for (let i = 0; i < 100_000; i++) deep = [deep];
    expect(() => canonicalJson(deep)).toThrow(/nested deeper/u);
  });
});

describe('an edit', () => {
  it('has the id that sha256sum gives its canonical text', () => {
    // printf '%s' '{"operations":[{"dictionary":"aa…","feature":3,"gates":[],"kind":"ablate","scope":{"positions":"all"},"site":"blocks.0.hook_resid_post"}]}' | sha256sum
    expect(editId({ operations: [ABLATE] })).toBe('8735f8c994c00300c16ec91a24c40a5fb54928edbb93e26ab274500a99aed9ec');
  });

  // Each is what `printf '%s' TEXT | sha256sum` gives for its canonical text: versions and exports of every release have them.
  it.each([
    [{ kind: 'ablate' }, '8735f8c994c00300c16ec91a24c40a5fb54928edbb93e26ab274500a99aed9ec'],
    [{ kind: 'scale', factor: 0.5 }, '851e3c03f61395ec3c2902e5f176ae6745bbaf7f471cab350d7671a7cfd6cc80'],
    [{ kind: 'clamp', value: -3 }, '2d8825f23e693f94a2674d74549ac3d0f65307eea0aded8e62d87f46c68e11bd'],
    [{ kind: 'clampActive', value: 2.5 }, 'c3f8e167b337f24f0625f1103457e0fe6648e013f1b31654bca0c824d489fff4'],
    [{ kind: 'floor', value: 1 }, 'ca365b758e5c68570a7c93a52cec17f84cd99f0034f6493641b2986e50196f9c'],
    [{ kind: 'cap', value: 0.1 }, 'd8bb05fe296b5aa44c81da7ac69aa9c42b1269babe7b8518ca3e8b60175b7d51'],
    [{ kind: 'steer', amount: -4 }, '66b722fbbc75443b73ee387f466796538b3ce947bb6489f263354620f1749ae9'],
    [{ kind: 'project', factor: 0 }, 'ed9a79125baab12ba44e89c98a5859451418120940b170a11377945d752ac736'],
  ] as const)('of %j has the id it always had', (action, id) => {
    const written: unknown = JSON.parse(JSON.stringify({ operations: [{ ...ABLATE, ...action }] }));
    expect(editId(parseEdit(written))).toBe(id);
  });

  it('has an id independent of key order, operation order, gate order and the sign of zero', () => {
    fc.assert(
      fc.property(
        operationsArbitrary,
        fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { minLength: 97, maxLength: 97 }),
        (operations, ranks) => {
          let next = 0;
          const random = () => ranks[next++ % ranks.length] ?? 0;
          const ranked = operations.map((operation) => ({ operation, rank: random() })).sort((a, b) => a.rank - b.rank);
          const shuffled = ranked.map(({ operation }) => ({ ...operation, gates: operation.gates.toReversed() }));
          const typed = JSON.parse(JSON.stringify(shuffleKeys({ operations: shuffled }, random))) as unknown;
          expect(editId(parseEdit(typed))).toBe(editId({ operations }));
        },
      ),
    );
  });

  it('is unchanged by parsing its own canonical text', () => {
    fc.assert(
      fc.property(operationsArbitrary, (operations) => {
        const text = canonicalJson({ operations });
        const parsed = parseEdit(JSON.parse(text));
        expect(canonicalJson(parsed)).toBe(text);
        expect(contentId(parsed)).toBe(editId(parsed));
      }),
    );
  });

  it('keeps of two gates on one feature the one that opens first, since gates are a union', () => {
    const gates = [
      { feature: 7, threshold: 2 },
      { feature: 7, threshold: 0.5 },
    ];
    expect(parseEdit({ operations: [{ ...ABLATE, gates }] }).operations[0]?.gates).toEqual([
      { feature: 7, threshold: 0.5 },
    ]);
  });

  it('tells operations apart by what they do, where and when', () => {
    fc.assert(
      fc.property(operationArbitrary, operationArbitrary, (a, b) => {
        expect(sameOperation(a, a)).toBe(true);
        expect(sameOperation(a, b)).toBe(editId({ operations: [a] }) === editId({ operations: [b] }));
      }),
    );
  });

  it('lists the features it reads besides the one it changes', () => {
    const scope = { positions: 'fromFirstFiring', feature: 9 } as const;
    expect(featuresOf({ ...ABLATE, scope, gates: [{ feature: 1, threshold: 0 }] })).toEqual([1, 3, 9]);
  });

  it.each([
    ['an unknown operation', { kind: 'explode' }, /unknown operation "explode"/u],
    ['NaN', { kind: 'clamp', value: NaN }, /expected a finite number/u],
    ['an infinity', { kind: 'steer', amount: Infinity }, /finite/u],
    ['a number beyond float32', { kind: 'scale', factor: 1e39 }, /float32/u],
    ['a number given as text', { kind: 'scale', factor: '2' }, /finite number/u],
    ['a missing amount', { kind: 'clamp' }, /value: is missing/u],
    ['a member of another operation', { kind: 'ablate', value: 1 }, /value: is not known here/u],
    ['a fractional feature', { kind: 'ablate', feature: 1.5 }, /whole number/u],
    ['a negative feature', { kind: 'ablate', feature: -1 }, /not negative/u],
    ['a dictionary that is not a hash', { kind: 'ablate', dictionary: 'sae' }, /sha-256/u],
    ['a site with a path in it', { kind: 'ablate', site: '../etc' }, /name of a site/u],
    ['an unknown scope', { kind: 'ablate', scope: { positions: 'sometimes' } }, /unknown positions "sometimes"/u],
    ['a gate at NaN', { kind: 'ablate', gates: [{ feature: 1, threshold: NaN }] }, /finite number/u],
    ['a prototype', { kind: 'ablate', ['__proto__']: { gates: [] } }, /.*/u],
  ])('refuses %s', (name, change, message) => {
    const operation = JSON.parse(JSON.stringify({ ...ABLATE, ...change })) as Record<string, unknown>;
    for (const [key, value] of Object.entries(change)) if (typeof value === 'number') operation[key] = value;
    if (name === 'a prototype') Object.defineProperty(operation, '__proto__', { value: {}, enumerable: true });
    expect(() => parseEdit({ operations: [operation] })).toThrow(expect.objectContaining({ code: 'usage' }));
    expect(() => parseEdit({ operations: [operation] })).toThrow(message);
  });

  it('refuses two operations on one feature and too many operations', () => {
    expect(() => parseEdit({ operations: [ABLATE, { ...ABLATE, kind: 'cap', value: 1 }] })).toThrow(/two operations/u);
    const many = Array.from({ length: MAX_OPERATIONS + 1 }, (_, feature) => ({ ...ABLATE, feature }));
    expect(() => parseEdit({ operations: many })).toThrow(/more than 4096/u);
  });
});
