// The gradient of a metric with respect to the activations at all prepared sites: one pass forward and one backward for a batch
// of texts, in one session. Also the metric alone with something added at sites, by a second session that is opened when it
// is first needed: what is measured instead of predicted.
//
// Invariant: a row's result is what the row would give alone, up to the rounding of float32; a row is padded on the right, where
// nothing looks.
import type { Tensor } from 'onnxruntime-common';
import { AppError } from '../../contract/base/errors.ts';
import type { Model } from '../models/model.ts';
import { checkTokens } from '../models/modelInput.ts';
import { findSite, type Site } from '../models/sites.ts';
import { tokenTensor } from '../models/tokenBatch.ts';
import { buildVariantGraph, type Patch } from '../models/variant.ts';
import type { GraphBuilder } from '../onnx/graph.ts';
import type { Rules } from '../onnx/gradient/rule.ts';
import { EXACT } from '../onnx/gradient/rules.ts';
import { vectorJacobianProduct } from '../onnx/gradient/vectorJacobian.ts';
import * as op from '../onnx/ops.ts';
import type { Runtime, Session } from '../onnx/runtime.ts';
import { checkMetric, metricFeeds, metricValues, type Metric } from './metric.ts';
import { nudgeFeeds, nudgePatch, type Nudge } from './nudge.ts';

export interface SiteGradientsOptions {
  readonly model: Model;
  readonly runtime: Runtime;
  readonly sites: readonly string[];
  readonly rules?: Rules;
  /** An edit that acts on the model; at a site, gradients are those of what flows on after it. */
  readonly patches?: readonly Patch[];
}

export interface MetricOfText {
  readonly ids: readonly number[];
  readonly metric: Metric;
}

export interface RunFacts {
  /** What is added at sites, for the whole batch: its rows and its longest text. */
  readonly nudges?: ReadonlyMap<string, Nudge>;
  /** Inputs of the patches for a batch of so many rows. */
  readonly feeds?: (rows: number) => Readonly<Record<string, Tensor>>;
  readonly signal?: AbortSignal | undefined;
}

/** `[time, width]` each. */
export interface SiteGradient {
  readonly activations: Float32Array;
  readonly gradient: Float32Array;
}

export interface TextGradients {
  readonly value: number;
  readonly sites: ReadonlyMap<string, SiteGradient>;
}

const GRADIENT = 'gradient.';

/** The graph of a model with its metric and the gradients at sites as outputs. */
export function gradientGraph(
  model: Model,
  sites: readonly string[],
  { rules = EXACT, patches = [] }: Pick<SiteGradientsOptions, 'rules' | 'patches'> = {},
): GraphBuilder {
  const graph = buildVariantGraph(model, {
    taps: sites,
    patches: [...patches, ...sites.map(nudgePatch)],
    tapsAfterPatches: true,
    head: 'metric',
  });
  const metric = graph.value('metric');
  const wanted = sites.map((site) => graph.value(site));
  graph.scope('gradient', () => {
    const ones = op.expand(graph.constant('float32', 1), metric);
    const gradients = vectorJacobianProduct([{ value: metric, gradient: ones }], wanted, rules);
    for (const [index, site] of sites.entries()) {
      const gradient = gradients[index];
      if (!gradient) throw new AppError('internal', `Nothing that the model says depends on the site ${site}.`);
      graph.output(gradient, `${GRADIENT}${site}`);
    }
  });
  return graph;
}

export class SiteGradients {
  readonly model: Model;
  readonly sites: readonly Site[];
  readonly #options: SiteGradientsOptions;
  #gradients: Promise<Session> | null = null;
  #metric: Promise<Session> | null = null;

  /** Opens nothing yet. @throws AppError `unknown-site`. */
  constructor(options: SiteGradientsOptions) {
    this.model = options.model;
    // In the order of the model, each once.
    const names = new Set(options.sites.map((site) => findSite(options.model.sites, site).name));
    this.sites = options.model.sites.filter(({ name }) => names.has(name));
    this.#options = options;
  }

  /** @throws AppError `usage` for a text longer than the context, `diverged` for numbers that are not finite. */
  async run(texts: readonly MetricOfText[], facts: RunFacts = {}): Promise<TextGradients[]> {
    const { runtime, model } = this.#options;
    const graph = () => gradientGraph(model, this.#names, this.#options).toBytes();
    const session = await (this.#gradients ??= runtime.createSession(graph(), { weightsFolder: model.weightsFolder }));
    const results = await this.#feed(session, texts, facts);
    const values = valuesOf(texts, results);
    const longest = texts.reduce((most, { ids }) => Math.max(most, ids.length), 0);
    return texts.map(({ ids }, row) => ({
      value: values[row] ?? NaN,
      sites: new Map(
        this.sites.map(({ name, width }) => {
          const part = (output: string) => {
            const start = row * longest * width;
            return finite(floatsOf(results[output]).slice(start, start + ids.length * width), name);
          };
          return [name, { activations: part(name), gradient: part(`${GRADIENT}${name}`) }];
        }),
      ),
    }));
  }

  /** The metric of each text, with what is added at sites. */
  async measure(texts: readonly MetricOfText[], facts: RunFacts = {}): Promise<number[]> {
    const { runtime, model, patches = [] } = this.#options;
    const graph = () =>
      buildVariantGraph(model, { head: 'metric', patches: [...patches, ...this.#names.map(nudgePatch)] }).toBytes();
    const session = await (this.#metric ??= runtime.createSession(graph(), { weightsFolder: model.weightsFolder }));
    return valuesOf(texts, await this.#feed(session, texts, facts));
  }

  async release(): Promise<void> {
    const sessions = [this.#gradients, this.#metric];
    [this.#gradients, this.#metric] = [null, null];
    for (const session of sessions) await (await session?.catch(() => null))?.release();
  }

  get #names(): readonly string[] {
    return this.sites.map(({ name }) => name);
  }

  #feed(session: Session, texts: readonly MetricOfText[], { nudges = new Map(), feeds, signal }: RunFacts) {
    if (signal?.aborted) throw new AppError('cancelled', 'The attribution was cancelled.');
    const rows = texts.map(({ ids }) => ids);
    checkTokens(this.model.config, rows);
    for (const { ids, metric } of texts) checkMetric(this.model.config, metric, ids.length);
    return session.run({
      ...feeds?.(rows.length),
      ...nudgeFeeds(this.sites, nudges),
      ...metricFeeds(texts.map(({ metric }) => metric)),
      input_ids: tokenTensor(rows, 'right'),
    });
  }
}

function valuesOf(texts: readonly MetricOfText[], results: Readonly<Record<string, Tensor>>): number[] {
  const values = metricValues(
    texts.map(({ metric }) => metric),
    floatsOf(results['metric']),
  );
  for (const value of values) if (!Number.isFinite(value)) throw notFinite('its logits');
  return values;
}

function finite(values: Float32Array, site: string): Float32Array {
  // One sum finds any NaN and any infinity.
  if (Number.isFinite(values.reduce((sum, value) => sum + value, 0))) return values;
  throw notFinite(site);
}

function notFinite(where: string): AppError {
  return new AppError('diverged', `On this text the model gives numbers that are not finite, at ${where}.`);
}

function floatsOf(tensor: Tensor | undefined): Float32Array {
  if (tensor?.data instanceof Float32Array) return tensor.data;
  throw new AppError('internal', 'The engine gave no gradients.');
}
