// What raises and what lowers a metric of a text: the first-order effect of every active unit at every site and position. With
// g the gradient at the site, a unit that is active by f along the direction d has the effect f·⟨d, g⟩: what the metric
// would lose without it, if the model were linear from there on. A feature below its threshold has no effect here.
//
// Effects rank; they do not decide. `ablate` measures: the metric less what it is when the unit is taken away.
// Invariant: at a site, effects + error + bias = ⟨x, g⟩ up to rounding, where error and bias are what a dictionary leaves
// over and adds everywhere.
import { AppError } from '../../contract/base/errors.ts';
import type { Estimator } from '../../contract/domain/attribution.ts';
import type { Dictionary } from '../dictionaries/dictionary.ts';
import type { Model } from '../models/model.ts';
import { findSite } from '../models/sites.ts';
import type { Patch } from '../models/variant.ts';
import { EXACT, RELP } from '../onnx/gradient/rules.ts';
import type { Runtime } from '../onnx/runtime.ts';
import type { Nudge } from './nudge.ts';
import { SiteGradients, type MetricOfText, type RunFacts, type SiteGradient } from './siteGradients.ts';
import { TopEffects, type Effect } from './topEffects.ts';
import { openUnits, type ActiveUnits, type SiteUnits, type UnitKind } from './units.ts';

const RULES = { exact: EXACT, relp: RELP, ig: EXACT } as const satisfies Record<Estimator, unknown>;
const STEPS = 8;
/** Tokens of one run of ablations, and the numbers that are added in it. */
const TOKENS_PER_RUN = 2048;
const NUMBERS_PER_RUN = 1 << 24;

export interface AttributedPlace {
  readonly site: string;
  readonly dictionary: Dictionary | null;
}

/** A unit at a position; without a position, at all of them. */
export interface UnitPlace {
  readonly site: string;
  readonly unit: number;
  readonly position: number | null;
}

export interface SiteEffects {
  readonly site: string;
  readonly kind: UnitKind;
  /** How many units were active at how many positions, together. */
  readonly active: number;
  /** The sum of all their effects, and what ablating all of them changes. The difference is what is not linear. */
  readonly sum: number;
  readonly measured: number | null;
  /** ⟨x − x̂, g⟩, what the dictionary does not explain, and ⟨decoder bias, g⟩; 0 without a dictionary. */
  readonly error: number;
  readonly bias: number;
  /** Effects summed by position; the errors are apart. */
  readonly byPosition: readonly number[];
  readonly errorByPosition: readonly number[];
}

export interface Attribution {
  readonly value: number;
  readonly sites: readonly SiteEffects[];
  /** The largest by magnitude, over all sites and positions. */
  readonly effects: readonly Effect[];
}

export interface AttributorOptions {
  readonly model: Model;
  readonly runtime: Runtime;
  readonly places: readonly AttributedPlace[];
  readonly estimator?: Estimator;
  readonly patches?: readonly Patch[];
}

export interface AttributeOptions extends Pick<RunFacts, 'feeds' | 'signal'> {
  /** How many effects are told. */
  readonly count: number;
  /** Also measures what ablating all units of a site changes: one pass a site. */
  readonly measuresSums?: boolean;
}

export class Attributor {
  readonly model: Model;
  readonly #estimator: Estimator;
  readonly #gradients: SiteGradients;
  readonly #units: readonly SiteUnits[];

  private constructor({ model, estimator = 'exact' }: AttributorOptions, gradients: SiteGradients, units: SiteUnits[]) {
    this.model = model;
    this.#estimator = estimator;
    this.#gradients = gradients;
    this.#units = units;
  }

  /** @throws AppError `unknown-site`, `mismatch` for a dictionary of another model or width, `empty` without a place. */
  static async open(options: AttributorOptions): Promise<Attributor> {
    const { model, runtime, places, estimator = 'exact', patches = [] } = options;
    if (places.length === 0) throw new AppError('empty', 'There is no site to attribute to.');
    const hash = await model.hash();
    for (const { site, dictionary } of places) {
      const isOfModel = !dictionary || dictionary.modelHash === '' || dictionary.modelHash === hash;
      if (isOfModel && (!dictionary || dictionary.site === site)) continue;
      throw new AppError(
        'mismatch',
        isOfModel
          ? `The dictionary of ${dictionary?.site ?? ''} cannot explain ${site}: it was trained on another site.`
          : `The dictionary of ${site} was trained on another model than ${model.folder}.`,
      );
    }
    const units: SiteUnits[] = [];
    for (const { site, dictionary } of places) {
      units.push(await openUnits(runtime, findSite(model.sites, site), dictionary));
    }
    const sites = places.map(({ site }) => site);
    return new Attributor(
      options,
      new SiteGradients({ model, runtime, sites, rules: RULES[estimator], patches }),
      units,
    );
  }

  /** @throws AppError `usage` for a text longer than the context or a token that is not there, `diverged`, `cancelled`. */
  async attribute(
    text: MetricOfText,
    { count, measuresSums = false, ...facts }: AttributeOptions,
  ): Promise<Attribution> {
    const [result] = await this.#gradients.run([text], facts);
    if (!result) throw new AppError('internal', 'The engine gave no gradients.');
    const top = new TopEffects(count);
    const sites: SiteEffects[] = [];
    for (const units of this.#units) {
      const found = result.sites.get(units.site.name);
      if (!found) throw new AppError('internal', `The engine gave no gradient at ${units.site.name}.`);
      const active = await units.active(found.activations);
      const gradient =
        this.#estimator === 'ig' ? await this.#integrated(text, units, active, found, facts) : found.gradient;
      const effects = effectsOf(units, active, { activations: found.activations, gradient }, top);
      const measured = measuresSums ? result.value - (await this.#withoutAll(text, units, active, found, facts)) : null;
      sites.push({ ...effects, measured });
    }
    return { value: result.value, sites, effects: top.sorted() };
  }

  /** The metric less what it is without each unit, measured; in the order of the places. */
  async ablate(
    text: MetricOfText,
    places: readonly UnitPlace[],
    facts: Pick<RunFacts, 'feeds' | 'signal'> = {},
  ): Promise<number[]> {
    const [result] = await this.#gradients.run([text], facts);
    if (!result) throw new AppError('internal', 'The engine gave no activations.');
    const time = text.ids.length;
    const effects = new Array<number>(places.length).fill(0);
    const [before] = await this.#gradients.measure([text], facts);
    for (const units of this.#units) {
      const { name, width } = units.site;
      const here = [...places.keys()].filter((index) => places[index]?.site === name);
      if (here.length === 0) continue;
      const x = result.sites.get(name)?.activations ?? new Float32Array(0);
      const active = await units.active(x);
      const rows = Math.max(
        1,
        Math.min(Math.floor(TOKENS_PER_RUN / time), Math.floor(NUMBERS_PER_RUN / (time * width))),
      );
      for (let first = 0; first < here.length; first += rows) {
        const batch = here.slice(first, first + rows);
        const values = new Float32Array(batch.length * time * width);
        for (const [row, index] of batch.entries()) {
          const wanted = places[index];
          if (wanted) addUnit(values, row * time * width, units, active, wanted, -1, x);
        }
        const nudges = new Map([[name, { values, batch: batch.length, time }]]);
        const measured = await this.#gradients.measure(
          batch.map(() => text),
          { ...facts, nudges },
        );
        for (const [row, index] of batch.entries()) effects[index] = (before ?? NaN) - (measured[row] ?? NaN);
      }
    }
    const unknown = places.find(({ site }) => !this.#units.some((units) => units.site.name === site));
    if (unknown) throw new AppError('usage', `The site ${unknown.site} is not among those that are attributed to.`);
    return effects;
  }

  async release(): Promise<void> {
    await this.#gradients.release();
    for (const units of this.#units) await units.release();
  }

  /** The mean gradient on the way from the site without its active units to the site as it is, by the midpoint rule. */
  async #integrated(
    text: MetricOfText,
    units: SiteUnits,
    active: ActiveUnits,
    { activations }: SiteGradient,
    facts: RunFacts,
  ): Promise<Float32Array> {
    const part = partOf(units, active, activations);
    const values = new Float32Array(STEPS * part.length);
    for (let step = 0; step < STEPS; step++) {
      const missing = (step + 0.5) / STEPS - 1;
      for (let index = 0; index < part.length; index++) values[step * part.length + index] = missing * part[index]!;
    }
    const nudge: Nudge = { values, batch: STEPS, time: text.ids.length };
    const results = await this.#gradients.run(
      Array.from({ length: STEPS }, () => text),
      { ...facts, nudges: new Map([[units.site.name, nudge]]) },
    );
    const mean = new Float64Array(part.length);
    for (const { sites } of results) {
      const gradient = sites.get(units.site.name)?.gradient ?? [];
      for (let index = 0; index < mean.length; index++) mean[index]! += gradient[index]! / STEPS;
    }
    return Float32Array.from(mean);
  }

  async #withoutAll(
    text: MetricOfText,
    units: SiteUnits,
    active: ActiveUnits,
    { activations }: SiteGradient,
    facts: RunFacts,
  ): Promise<number> {
    const values = Float32Array.from(partOf(units, active, activations), (value) => -value);
    const nudges = new Map([[units.site.name, { values, batch: 1, time: text.ids.length }]]);
    const [value] = await this.#gradients.measure([text], { ...facts, nudges });
    return value ?? NaN;
  }
}

function effectsOf(
  units: SiteUnits,
  active: ActiveUnits,
  { activations, gradient }: SiteGradient,
  top: TopEffects,
): Omit<SiteEffects, 'measured'> {
  const { name: site, width } = units.site;
  const time = activations.length / width;
  const byPosition = new Float64Array(time);
  for (let entry = 0; entry < active.count; entry++) {
    const [unit, position, activation] = [active.units[entry]!, active.positions[entry]!, active.values[entry]!];
    const effect = activation * units.along(gradient, position * width, unit, activations);
    byPosition[position]! += effect;
    top.add({ site, kind: units.kind, unit, position, activation, effect });
  }
  const errorByPosition = new Float64Array(time);
  let bias = 0;
  if (units.dictionary) {
    const part = partOf(units, active, activations);
    for (let index = 0; index < activations.length; index++) {
      const constant = units.dictionary.decoderBias[index % width]!;
      bias += constant * gradient[index]!;
      errorByPosition[Math.floor(index / width)]! += (activations[index]! - part[index]! - constant) * gradient[index]!;
    }
  }
  return {
    site,
    kind: units.kind,
    active: active.count,
    sum: total(byPosition),
    error: total(errorByPosition),
    bias,
    byPosition: [...byPosition],
    errorByPosition: [...errorByPosition],
  };
}

/** Σ activation·direction over all active units: `[time, width]`. */
function partOf(units: SiteUnits, active: ActiveUnits, x: Float32Array): Float64Array {
  const part = new Float64Array(x.length);
  for (let entry = 0; entry < active.count; entry++) {
    const at = active.positions[entry]! * units.site.width;
    units.addDirection(part, at, active.units[entry]!, active.values[entry]!, x);
  }
  return part;
}

/** Adds scale·activation·direction of one unit to a row. */
function addUnit(
  to: Float32Array,
  start: number,
  units: SiteUnits,
  active: ActiveUnits,
  { unit, position }: UnitPlace,
  scale: number,
  x: Float32Array,
): void {
  const row = to.subarray(start, start + x.length);
  for (let entry = 0; entry < active.count; entry++) {
    if (active.units[entry] !== unit || (position !== null && active.positions[entry] !== position)) continue;
    units.addDirection(row, active.positions[entry]! * units.site.width, unit, scale * active.values[entry]!, x);
  }
}

function total(values: Float64Array): number {
  return values.reduce((sum, value) => sum + value, 0);
}
