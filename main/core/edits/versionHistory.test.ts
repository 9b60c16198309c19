import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  ancestors,
  bisect,
  bisectStep,
  logOrder,
  mergeBases,
  startBisect,
  type VersionGraph,
} from './versionHistory.ts';

/** Node i has up to two parents among the earlier ones; node 0 is the only root. */
const graphArbitrary: fc.Arbitrary<VersionGraph> = fc
  .array(fc.tuple(fc.nat(), fc.option(fc.nat())), { minLength: 1, maxLength: 24 })
  .map((nodes) => {
    const entries = nodes.map(([first, second], index): [string, { parents: string[]; time: string }] => {
      const parents = index === 0 ? [] : [...new Set([first % index, ...(second === null ? [] : [second % index])])];
      return [String(index), { parents: parents.map(String), time: String(index % 3) }];
    });
    return new Map(entries);
  });

const chain = (length: number): VersionGraph =>
  new Map(
    Array.from({ length }, (_, i) => [
      `${i}`.padStart(4, '0'),
      { parents: i === 0 ? [] : [`${i - 1}`.padStart(4, '0')], time: '' },
    ]),
  );

describe('the graph of versions', () => {
  it('lists every version once and before its parents', () => {
    fc.assert(
      fc.property(graphArbitrary, (graph) => {
        const heads = [...graph.keys()];
        const order = logOrder(graph, heads);
        expect(order.toSorted()).toEqual(heads.toSorted());
        const place = new Map(order.map((id, index) => [id, index]));
        for (const [id, { parents }] of graph) {
          for (const parent of parents) expect(place.get(id)).toBeLessThan(place.get(parent) ?? -1);
        }
      }),
    );
  });

  it('lists the newest first of those whose children are all listed, of equal times the last by id', () => {
    fc.assert(
      fc.property(graphArbitrary, (graph) => {
        const order = logOrder(graph, [...graph.keys()]);
        for (const [index, id] of order.entries()) {
          const rest = order.slice(index);
          const isReady = (one: string) => !rest.some((child) => graph.get(child)?.parents.includes(one));
          const rank = (one: string) => `${graph.get(one)?.time ?? ''} ${one}`;
          for (const other of rest.filter(isReady)) expect(rank(other) <= rank(id)).toBe(true);
        }
      }),
    );
  });

  it('finds the common ancestors that a search over all of them finds', () => {
    fc.assert(
      fc.property(graphArbitrary, fc.nat(), fc.nat(), (graph, x, y) => {
        const a = String(x % graph.size);
        const b = String(y % graph.size);
        const common = [...graph.keys()].filter((id) => ancestors(graph, a).has(id) && ancestors(graph, b).has(id));
        const lowest = common.filter((id) => !common.some((other) => other !== id && ancestors(graph, other).has(id)));
        expect(mergeBases(graph, a, b)).toEqual(lowest.toSorted());
        expect(mergeBases(graph, b, a)).toEqual(mergeBases(graph, a, b));
      }),
    );
  });
});

describe('bisection', () => {
  it('finds the first bad version of any history in which what is bad stays bad', async () => {
    await fc.assert(
      fc.asyncProperty(graphArbitrary, fc.nat(), fc.nat(), async (graph, x, y) => {
        const culprit = String(1 + (x % Math.max(1, graph.size - 1)));
        fc.pre(graph.size > 1 && culprit !== '0');
        const isBad = (id: string) => ancestors(graph, id).has(culprit);
        const bads = [...graph.keys()].filter(isBad);
        const bad = bads[y % bads.length] ?? culprit;
        const asked: string[] = [];
        const found = await bisect(graph, startBisect(graph, bad, ['0']), async (id) => {
          asked.push(id);
          return isBad(id) ? 'bad' : 'good';
        });
        expect(found).toEqual({ kind: 'found', firstBad: culprit });
        expect(new Set(asked).size).toBe(asked.length);
      }),
    );
  });

  it('needs ⌈log₂ n⌉ verdicts on a straight history of n candidates', async () => {
    for (const length of [2, 3, 10, 100, 513]) {
      let verdicts = 0;
      const graph = chain(length);
      const ids = [...graph.keys()];
      for (const culprit of [1, Math.floor(length / 3) || 1, length - 1]) {
        verdicts = 0;
        const found = await bisect(graph, { bad: ids.at(-1) ?? '', good: ['0000'], skipped: [] }, async (id) => {
          verdicts++;
          return Number(id) >= culprit ? 'bad' : 'good';
        });
        expect(found).toEqual({ kind: 'found', firstBad: ids[culprit] });
        expect(verdicts).toBeLessThanOrEqual(Math.ceil(Math.log2(length - 1)));
      }
    }
  });

  it('says what is left when every candidate was skipped', async () => {
    const found = await bisect(chain(5), { bad: '0004', good: ['0000'], skipped: [] }, async () => 'skip');
    expect(found).toEqual({ kind: 'undecided', candidates: ['0001', '0002', '0003', '0004'] });
  });

  it('refuses marks that contradict each other', () => {
    expect(() => startBisect(chain(5), '0002', ['0003'])).toThrow(/not behind the bad version/u);
    expect(() => startBisect(chain(5), '0002', ['0002'])).toThrow(/not behind/u);
    expect(() => startBisect(chain(5), '0002', [])).toThrow(/at least one/u);
    expect(() => bisectStep(chain(5), { bad: '0002', good: ['0003'], skipped: [] })).toThrow(/marked good/u);
  });
});
