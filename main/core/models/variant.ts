// A variant of a model's graph: a pure function of (model, taps, patches, heads). Sites that are tapped become outputs, patches
// change what flows on at their sites, heads compute from the last hidden states, and the graph is cut after the last
// thing needed.
import { describe, GraphBuilder, graphError, type Value } from '../onnx/graph.ts';
import * as op from '../onnx/ops.ts';
import { addHeads, scoredOnly, type Head } from './heads.ts';
import type { Model } from './model.ts';
import { findSite } from './sites.ts';

export interface Patch {
  readonly site: string;
  /**
   * What flows on instead of `value`; the same type and shape. May add inputs, initializers and nodes to `value.graph`,
   * where `input_ids` is a value too.
   */
  apply(value: Value): Value;
  /**
   * What the patch must remember between the runs of a graph with a cache: inputs, first fed by the caller, then with what
   * the outputs of the last run gave.
   */
  readonly states?: readonly PatchState[];
}

export interface PatchState {
  readonly past: string;
  readonly present: string;
}

export interface VariantOptions {
  /** Sites to hand out, each as an output named as the site. */
  readonly taps?: readonly string[];
  /** Several at one site act one after another. */
  readonly patches?: readonly Patch[];
  /** Taps show what flows on after the patches at their site, instead of what came before them. */
  readonly tapsAfterPatches?: boolean;
  readonly head?: Head | readonly Head[] | 'none';
  /** The form with a key-value cache. */
  readonly cache?: boolean;
  /** For the heads topTokens and everyTopTokens. */
  readonly topTokenCount?: number;
}

/**
 * @returns the bytes of an .onnx file whose weights are relative to model.weightsFolder.
 * @throws AppError `unknown-site`.
 */
export function buildVariant(model: Model, options: VariantOptions): Uint8Array<ArrayBuffer> {
  return buildVariantGraph(model, options).toBytes();
}

/** The same as a graph that can still be extended. */
export function buildVariantGraph(model: Model, options: VariantOptions): GraphBuilder {
  const {
    taps = [],
    patches = [],
    tapsAfterPatches = false,
    head = 'none',
    cache = false,
    topTokenCount = 10,
  } = options;
  for (const site of [...taps, ...patches.map((patch) => patch.site)]) findSite(model.sites, site);
  const graph = new GraphBuilder(model.config.modelType);

  const heads = head === 'none' ? [] : typeof head === 'string' ? [head] : head;
  const scoredFrom = siteOfScoredOnly(model, heads, [...taps, ...patches.map((patch) => patch.site)]);
  const onSite = (site: string, value: Value): Value => {
    const patched = patchedAt(site, value);
    return site === scoredFrom ? scoredOnly(patched) : patched;
  };
  const patchedAt = (site: string, value: Value): Value => {
    const here = patches.filter((patch) => patch.site === site);
    const isTappedAfter = tapsAfterPatches && here.length > 0;
    const before = isTappedAfter ? value : op.identity(value, site);
    const patched = here.reduce((current, patch) => applyPatch(patch, current), before);
    return isTappedAfter ? op.identity(patched, site) : patched;
  };
  const body = model.buildInto(graph, { cache, onSite });
  for (const site of new Set(taps)) graph.output(graph.value(site));
  addHeads(heads, {
    graph,
    body,
    isScoredOnly: scoredFrom !== null,
    hasCache: cache,
    vocabularySize: model.config.vocabularySize,
    topTokenCount,
    unpatched: () => model.buildInto(graph, { cache: false, onSite: (_site, value) => value }),
  });
  return graph;
}

/**
 * Behind the attention of the last block positions no longer see each other: where only chosen ones are scored, the others need
 * not be computed on from there.
 * @returns the site from which on the graph goes on with the scored positions alone; null where more is needed.
 */
function siteOfScoredOnly(model: Model, heads: readonly Head[], used: readonly string[]): string | null {
  if (!heads.every((head) => head === 'chosenLogProbs' || head === 'chosenRanks')) return null;
  const middle = model.sites.findIndex(({ name }) => name === `blocks.${model.config.layers - 1}.hook_resid_mid`);
  const behind = model.sites.slice(middle + 1).map(({ name }) => name);
  return middle < 0 || used.some((site) => behind.includes(site)) ? null : (model.sites[middle]?.name ?? null);
}

function applyPatch(patch: Patch, value: Value): Value {
  const patched = patch.apply(value);
  if (patched.type === value.type && patched.shape.join() === value.shape.join()) return patched;
  throw graphError(`A patch must keep type and shape: ${describe(value)} became ${describe(patched)}.`);
}
