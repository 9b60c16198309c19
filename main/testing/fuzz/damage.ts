// How a valid sample is damaged: its bytes, or the values in it where they have a structure. Damage is data, so that a property
// test can make a failing example smaller, and the same seed gives the same damage.
import fc from 'fast-check';

/** What bytes mean: damage inside them keeps what wraps them (brackets, checksums, lengths) as it should be. */
export interface Structure {
  parse(bytes: Buffer): unknown;
  /** Null where these values cannot be written at all. */
  write(value: unknown, whole: Buffer): Buffer | null;
}

type ByteDamage =
  | { readonly kind: 'set'; readonly at: number; readonly values: readonly number[] }
  | { readonly kind: 'cut'; readonly at: number; readonly length: number }
  | { readonly kind: 'end'; readonly at: number }
  | { readonly kind: 'repeat'; readonly at: number; readonly length: number; readonly times: number }
  | { readonly kind: 'insert'; readonly at: number; readonly piece: string };

/** `node` counts the values in the order in which they stand, modulo how many there are. */
type ValueDamage =
  | { readonly kind: 'replace'; readonly node: number; readonly value: unknown }
  | { readonly kind: 'remove'; readonly node: number }
  | { readonly kind: 'rename'; readonly node: number; readonly key: string }
  | { readonly kind: 'swap'; readonly node: number; readonly other: number };

export type Damage =
  | { readonly of: 'bytes'; readonly steps: readonly ByteDamage[] }
  | { readonly of: 'values'; readonly steps: readonly ValueDamage[] };

/** Marks, brackets, quotes, words of JSON and of templates, lengths that lie. */
const PIECES = [
  '\0',
  '\u00ff\u00ff\u00ff\u00ff',
  '\u00ff\u00ff\u00ff\u00ff\u00ff\u00ff\u00ff\u007f',
  '\u00ef\u00bb\u00bf',
  '\u00ff\u00fe',
  '\r',
  '\n',
  '"',
  '\\u',
  ',',
  ':',
  '{',
  '}',
  '[',
  ']'.repeat(100),
  '['.repeat(5000),
  '{"a":'.repeat(5000),
  '-',
  '1e999',
  'NaN',
  '{%',
  '%}',
  '{{ messages }}',
  "{{ 'x' * 1000000 }}",
  '{% for a in range(1000000) %}x{% endfor %}',
  '{% for a in messages %}{% for b in messages %}x{% endfor %}{% endfor %}',
  '{{ messages[0].content.constructor }}',
  '(a+)+$',
  'x'.repeat(100_000),
] as const;

const nested = (depth: number): unknown => JSON.parse('['.repeat(depth) + ']'.repeat(depth)) as unknown;

const VALUES: readonly unknown[] = [
  null,
  true,
  false,
  0,
  -1,
  1,
  0.5,
  7,
  64,
  1e9,
  2 ** 31,
  2 ** 53,
  -1e308,
  '',
  ' ',
  '0',
  'x',
  '\ud800',
  '\u0000',
  '__proto__',
  'constructor',
  '../../../outside',
  '/',
  '(a+)+$',
  '(',
  'x'.repeat(100_000),
  [],
  {},
  [null],
  [[1]],
  { a: 1 },
  Array.from({ length: 10_000 }, () => 0),
  nested(50),
  nested(3000),
];
const KEYS = ['', 'x', '__proto__', 'constructor', 'toString', 'length', 'a.b', '\u0000'] as const;

const place = fc.nat(2 ** 30);
const byteStep: fc.Arbitrary<ByteDamage> = fc.oneof(
  fc.record({
    kind: fc.constant('set'),
    at: place,
    values: fc.array(fc.oneof(fc.nat(255), fc.constantFrom(0, 127, 128, 255)), { minLength: 1, maxLength: 8 }),
  }),
  fc.record({ kind: fc.constant('cut'), at: place, length: fc.integer({ min: 1, max: 64 }) }),
  fc.record({ kind: fc.constant('end'), at: place }),
  fc.record({
    kind: fc.constant('repeat'),
    at: place,
    length: fc.integer({ min: 1, max: 64 }),
    times: fc.integer({ min: 1, max: 50 }),
  }),
  fc.record({ kind: fc.constant('insert'), at: place, piece: fc.constantFrom(...PIECES) }),
);
const valueStep: fc.Arbitrary<ValueDamage> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constant('replace'),
      node: place,
      value: fc.oneof(fc.constantFrom(...VALUES), fc.integer(), fc.double(), fc.jsonValue({ maxDepth: 2 })),
    }),
  },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('remove'), node: place }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('rename'), node: place, key: fc.constantFrom(...KEYS) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('swap'), node: place, other: place }) },
);

/** One to four faults of a file, in its bytes or, where it has a structure, in its values. */
export function damageArbitrary(hasStructure: boolean): fc.Arbitrary<Damage> {
  const bytes = fc.record({
    of: fc.constant('bytes'),
    steps: fc.array(byteStep, { minLength: 1, maxLength: 4 }),
  });
  if (!hasStructure) return bytes;
  const values = fc.record({ of: fc.constant('values'), steps: fc.array(valueStep, { minLength: 1, maxLength: 4 }) });
  return fc.oneof({ weight: 1, arbitrary: bytes }, { weight: 2, arbitrary: values });
}

/** Null where the damage cannot be written in this structure. */
export function damaged(whole: Buffer, damage: Damage, structure?: Structure): Buffer | null {
  if (damage.of === 'bytes') return damage.steps.reduce(damageBytes, whole);
  if (structure === undefined) return null;
  const root = { value: structure.parse(whole) };
  for (const step of damage.steps) damageValues(root, step);
  return structure.write(root.value, whole);
}

function damageBytes(bytes: Buffer, step: ByteDamage): Buffer {
  const at = bytes.length === 0 ? 0 : step.at % bytes.length;
  const before = bytes.subarray(0, at);
  switch (step.kind) {
    case 'set': {
      const changed = Buffer.from(bytes);
      changed.set(step.values.slice(0, bytes.length - at), at);
      return changed;
    }
    case 'cut':
      return Buffer.concat([before, bytes.subarray(at + step.length)]);
    case 'end':
      return before;
    case 'repeat': {
      const piece = bytes.subarray(at, at + step.length);
      return Buffer.concat([before, ...Array.from({ length: step.times }, () => piece), bytes.subarray(at)]);
    }
    case 'insert':
      return Buffer.concat([before, Buffer.from(step.piece, 'latin1'), bytes.subarray(at)]);
  }
}

type Container = Record<string | number, unknown>;

/** Every value with where it stands. */
function nodesOf(root: Container): { container: Container; key: string | number }[] {
  const nodes: { container: Container; key: string | number }[] = [];
  const queue: Container[] = [root];
  for (let container = queue.shift(); container !== undefined; container = queue.shift()) {
    for (const [key, value] of Object.entries(container)) {
      nodes.push({ container, key });
      if (typeof value === 'object' && value !== null && nodes.length < 100_000) queue.push(value as Container);
    }
  }
  return nodes;
}

function damageValues(root: { value: unknown }, step: ValueDamage): void {
  const nodes = nodesOf(root);
  const { container, key } = nodes[step.node % nodes.length]!; // the root is one
  switch (step.kind) {
    case 'replace':
      return set(container, key, step.value);
    case 'remove':
      if (Array.isArray(container)) container.splice(Number(key), 1);
      else if (container !== root) delete container[key];
      return;
    case 'rename': {
      if (Array.isArray(container) || container === root) return;
      const value = container[key];
      delete container[key];
      return set(container, step.key, value);
    }
    case 'swap': {
      const other = nodes[step.other % nodes.length]!;
      // A copy, since a value must not come to stand in itself.
      return set(container, key, structuredClone(other.container[other.key]));
    }
  }
}

function set(container: Container, key: string | number, value: unknown): void {
  Object.defineProperty(container, key, { value, enumerable: true, writable: true, configurable: true });
}
