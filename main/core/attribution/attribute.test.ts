// Effects of units against a slow reference: activations in double precision by the formulas of a dictionary, and the derivative
// along each unit's direction by central differences of the measured metric.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { randomDictionary, referenceActivations } from '../../testing/dictionaries/randomDictionary.ts';
import { runtime } from '../../testing/models/runVariant.ts';
import { openTinyModel } from '../../testing/models/temporaryFolder.ts';
import { randomTokens } from '../../testing/models/tinyModels.ts';
import type { Dictionary } from '../dictionaries/dictionary.ts';
import { DICTIONARY_KINDS, type DictionaryKind } from '../dictionaries/kinds/index.ts';
import type { Model } from '../models/model.ts';
import { Random } from '../numerics/random.ts';
import type { Estimator } from '../../contract/domain/attribution.ts';
import { Attributor, type AttributedPlace } from './attribute.ts';
import { logitMetric } from './metric.ts';
import { SiteGradients, type MetricOfText } from './siteGradients.ts';

const RESIDUAL = 'blocks.0.hook_resid_post';
const MLP = 'blocks.1.hook_mlp_out';
const NEURONS = 'blocks.1.mlp.hook_post';
const TIME = 6;
const text: MetricOfText = { ids: randomTokens(TIME, 5), metric: logitMetric(TIME - 1, 3, 8) };

let model: Model;
let reference: SiteGradients;
let activations: ReadonlyMap<string, { readonly activations: Float32Array }>;

beforeAll(async () => {
  model = await openTinyModel('gpt2');
  reference = new SiteGradients({ model, runtime, sites: [RESIDUAL, MLP, NEURONS] });
  activations = (await reference.run([text]))[0]!.sites;
});
afterAll(() => reference.release());

const widthOf = (site: string) => model.sites.find(({ name }) => name === site)!.width;
const at = (site: string) => activations.get(site)!.activations;

async function dictionaryOf(site: string, kind: DictionaryKind, seed: number): Promise<Dictionary> {
  const dictionary = randomDictionary(new Random(seed), kind, { d: widthOf(site), size: 12, k: 3, site });
  return { ...dictionary, modelHash: await model.hash() };
}

/** The metric with each of `added` at the site. */
function measured(site: string, added: readonly Float64Array[]): Promise<number[]> {
  const size = TIME * widthOf(site);
  const values = new Float32Array(added.length * size);
  for (const [row, part] of added.entries()) values.set(part, row * size);
  return reference.measure(
    added.map(() => text),
    { nudges: new Map([[site, { values, batch: added.length, time: TIME }]]) },
  );
}

interface Contribution {
  readonly site: string;
  readonly unit: number;
  readonly position: number;
  /** activation·direction, `[TIME, width]`, 0 at other positions. */
  readonly part: Float64Array;
}

function featureContributions({ site, d, decoder, ...dictionary }: Dictionary): Contribution[] {
  return Array.from({ length: TIME }, (_, position) => position).flatMap((position) => {
    const x = at(site).subarray(position * d, (position + 1) * d);
    const found = referenceActivations({ site, d, decoder, ...dictionary }, x);
    return [...found.keys()]
      .filter((unit) => found[unit] !== 0)
      .map((unit) => {
        const part = new Float64Array(TIME * d);
        for (let j = 0; j < d; j++) part[position * d + j] = found[unit]! * decoder[unit * d + j]!;
        return { site, unit, position, part };
      });
  });
}

/** Central differences along activation·direction; steps by the length of what is added, the best of several taken later. */
async function slowEffects({ site, part }: Contribution): Promise<number[]> {
  const length = Math.hypot(...part);
  const steps = [0.064, 0.032, 0.016, 0.008, 0.004].map((step) => step / length);
  const values = await measured(
    site,
    steps.flatMap((step) => [part.map((value) => step * value), part.map((value) => -step * value)]),
  );
  return steps.map((step, index) => (values[2 * index]! - values[2 * index + 1]!) / (2 * step));
}

async function attribute(places: readonly AttributedPlace[], estimator: Estimator = 'exact') {
  const attributor = await Attributor.open({ model, runtime, places, estimator });
  try {
    return await attributor.attribute(text, { count: 10_000, measuresSums: true });
  } finally {
    await attributor.release();
  }
}

describe('the effect of a unit', () => {
  it.each(DICTIONARY_KINDS)(
    'is its activation times the derivative along its direction, for every %s feature that fires and no other',
    async (kind) => {
      const dictionaries = [await dictionaryOf(RESIDUAL, kind, 1), await dictionaryOf(MLP, kind, 2)];
      const { effects } = await attribute(dictionaries.map((dictionary) => ({ site: dictionary.site, dictionary })));
      const expected = dictionaries.flatMap(featureContributions);
      const key = ({ site, unit, position }: Pick<Contribution, 'site' | 'unit' | 'position'>) =>
        `${site} ${unit} ${position}`;
      expect(effects.map(key).toSorted()).toEqual(expected.map(key).toSorted());
      const byKey = new Map(effects.map((each) => [key(each), each.effect]));
      const largest = Math.max(...effects.map(({ effect }) => Math.abs(effect)));
      for (const each of expected) {
        const effect = byKey.get(key(each))!;
        const error = Math.min(...(await slowEffects(each)).map((slow) => Math.abs(slow - effect)));
        expect(error / largest, key(each)).toBeLessThan(1e-3);
      }
    },
    60_000,
  );

  it('without a dictionary is that of an MLP neuron, and elsewhere of the whole activation', async () => {
    const { effects } = await attribute([
      { site: RESIDUAL, dictionary: null },
      { site: NEURONS, dictionary: null },
    ]);
    const directions = effects.filter(({ kind }) => kind === 'direction');
    const neurons = effects.filter(({ kind }) => kind === 'neuron');
    expect(directions).toHaveLength(TIME);
    expect(neurons).toHaveLength(TIME * widthOf(NEURONS));
    const largest = Math.abs(effects[0]!.effect);
    for (const { site, unit, position, kind, effect } of [...directions, ...neurons.slice(0, 12)]) {
      const width = widthOf(site);
      const part = new Float64Array(TIME * width);
      const [first, end] = kind === 'neuron' ? [unit, unit + 1] : [0, width];
      for (let j = first; j < end; j++) part[position * width + j] = at(site)[position * width + j]!;
      const error = Math.min(
        ...(await slowEffects({ site, unit, position, part })).map((slow) => Math.abs(slow - effect)),
      );
      expect(error / largest).toBeLessThan(1e-3);
    }
  });
});

describe('the sums of a site', () => {
  it('add up to the derivative along its whole activation: effects, reconstruction error and bias', async () => {
    const dictionary = await dictionaryOf(RESIDUAL, 'relu', 1);
    const { sites } = await attribute([{ site: RESIDUAL, dictionary }]);
    const [whole] = (await attribute([{ site: RESIDUAL, dictionary: null }])).sites;
    const [{ sum, error, bias, byPosition, errorByPosition }] = sites as [(typeof sites)[number]];
    expect(Math.abs(sum + error + bias - whole!.sum)).toBeLessThan(1e-5 * Math.abs(sum));
    expect(byPosition.reduce((total, value) => total + value, 0)).toBeCloseTo(sum, 6);
    expect(errorByPosition.reduce((total, value) => total + value, 0)).toBeCloseTo(error, 6);
    expect(Math.abs(error)).toBeGreaterThan(0.01 * Math.abs(sum));
  });

  it('stand next to what the metric loses when all features that fire are taken away', async () => {
    const dictionary = await dictionaryOf(RESIDUAL, 'topk', 1);
    const [site] = (await attribute([{ site: RESIDUAL, dictionary }])).sites;
    const all = new Float64Array(TIME * dictionary.d);
    for (const { part } of featureContributions(dictionary)) for (const [j, value] of part.entries()) all[j]! -= value;
    const [before, after] = await measured(RESIDUAL, [new Float64Array(all.length), all]);
    expect(site!.measured).toBeCloseTo(before! - after!, 5);
  });

  it('come closer to that change with integrated gradients than with the derivative', async () => {
    const places = [{ site: RESIDUAL, dictionary: await dictionaryOf(RESIDUAL, 'relu', 1) }];
    const miss = async (estimator: Estimator) => {
      const [site] = (await attribute(places, estimator)).sites;
      return Math.abs(site!.sum - site!.measured!) / Math.abs(site!.measured!);
    };
    const [integrated, derivative] = [await miss('ig'), await miss('exact')];
    expect(integrated).toBeLessThan(0.02);
    expect(integrated).toBeLessThan(derivative / 3);
  });
});

it('measures what the metric loses without a feature, at one position or at all', async () => {
  const dictionary = await dictionaryOf(RESIDUAL, 'relu', 1);
  const attributor = await Attributor.open({ model, runtime, places: [{ site: RESIDUAL, dictionary }] });
  const all = featureContributions(dictionary);
  // Of one that fires at several positions, so that the two ablations differ.
  const { unit, position } = all.find((one) => all.filter((other) => other.unit === one.unit).length > 1)!;
  const found = await attributor.ablate(text, [
    { site: RESIDUAL, unit, position },
    { site: RESIDUAL, unit, position: null },
  ]);
  await attributor.release();
  const without = (parts: readonly Contribution[]) => {
    const added = new Float64Array(TIME * dictionary.d);
    for (const { part } of parts) for (const [j, value] of part.entries()) added[j]! -= value;
    return added;
  };
  const ofUnit = all.filter((each) => each.unit === unit);
  expect(ofUnit.length).toBeGreaterThan(1);
  const [before, one, every] = await measured(RESIDUAL, [
    without([]),
    without(ofUnit.filter((each) => each.position === position)),
    without(ofUnit),
  ]);
  expect(found[0]).toBeCloseTo(before! - one!, 5);
  expect(found[1]).toBeCloseTo(before! - every!, 5);
  expect(Math.abs(found[0]!)).toBeGreaterThan(1e-4);
});

it('keeps the largest effects when fewer are asked for', async () => {
  const places = [{ site: RESIDUAL, dictionary: await dictionaryOf(RESIDUAL, 'relu', 1) }];
  const all = (await attribute(places)).effects;
  const attributor = await Attributor.open({ model, runtime, places });
  const few = (await attributor.attribute(text, { count: 3 })).effects;
  await attributor.release();
  expect(few).toEqual(all.slice(0, 3));
  const sizes = all.map(({ effect }) => Math.abs(effect));
  expect(sizes).toEqual(sizes.toSorted((a, b) => b - a));
});

it('refuses a dictionary of another model, of another site or of another width, and an attribution to nothing', async () => {
  const dictionary = await dictionaryOf(RESIDUAL, 'relu', 1);
  const open = (places: readonly AttributedPlace[]) => Attributor.open({ model, runtime, places });
  await expect(open([])).rejects.toThrow(/no site to attribute to/);
  await expect(open([{ site: RESIDUAL, dictionary: { ...dictionary, modelHash: '1'.repeat(64) } }])).rejects.toThrow(
    /trained on another model/,
  );
  await expect(open([{ site: MLP, dictionary }])).rejects.toThrow(/trained on another site/);
  await expect(open([{ site: RESIDUAL, dictionary: { ...dictionary, d: 3 } }])).rejects.toThrow(/3 numbers per token/);
});
