// Sites: the named places of a model where activations are captured and edits act, under their TransformerLens names.
import { AppError } from '../../contract/base/errors.ts';
import { editDistance } from '../../contract/base/nearest.ts';
import type { Shape } from '../onnx/graph.ts';
import type { ModelConfig } from './config.ts';

export interface Site {
  /** `blocks.3.hook_resid_post` */
  readonly name: string;
  /** Null for the embedding. */
  readonly block: number | null;
  /** Numbers per token: a dictionary's d_in. */
  readonly width: number;
  /** Of the value in the graph; the axes after time multiply to `width`. */
  readonly shape: Shape;
}

/** All sites in the order in which the model computes them. */
export function listSites(config: ModelConfig): Site[] {
  const { hiddenSize, heads, headDim, intermediateSize, residual, mixtureBlocks = [] } = config;
  const sites: Site[] = [];
  const add = (block: number | null, name: string, ...axes: number[]) =>
    sites.push({
      name: block === null ? name : `blocks.${block}.${name}`,
      block,
      width: axes.reduce((product, size) => product * size, 1),
      shape: ['batch', 'time', ...axes],
    });
  add(null, 'hook_embed', hiddenSize);
  for (let block = 0; block < config.layers; block++) {
    add(block, 'hook_resid_pre', hiddenSize);
    add(block, 'attn.hook_z', heads, headDim);
    add(block, 'hook_attn_out', hiddenSize);
    // A parallel block never holds the sum of its input and its attention alone.
    if (residual !== 'parallel') add(block, 'hook_resid_mid', hiddenSize);
    // Where the second norm comes after the feed-forward layer, nothing normalised goes into that layer.
    if (residual !== 'post-norm') add(block, 'ln2.hook_normalized', hiddenSize);
    // The experts of a mixture have such a value each, for some of the tokens.
    if (!mixtureBlocks.includes(block)) add(block, 'mlp.hook_post', intermediateSize);
    add(block, 'hook_mlp_out', hiddenSize);
    add(block, 'hook_resid_post', hiddenSize);
  }
  return sites;
}

/** @throws AppError `unknown-site`, with the nearest names. */
export function findSite<S extends Pick<Site, 'name'>>(sites: readonly S[], name: string): S {
  const site = sites.find((candidate) => candidate.name === name);
  if (site) return site;
  const nearest = nearestNames(
    name,
    sites.map((candidate) => candidate.name),
  );
  throw new AppError(
    'unknown-site',
    `This model has no site "${name.slice(0, 100)}". Did you mean ${nearest.map((near) => `"${near}"`).join(' or ')}?`,
    { details: { site: name.slice(0, 100), nearest } },
  );
}

function nearestNames(name: string, names: readonly string[]): string[] {
  const asked = name.slice(0, 100);
  return names
    .map((candidate) => ({ candidate, distance: editDistance(asked, candidate) }))
    .sort((a, b) => a.distance - b.distance)
    .slice(0, 3)
    .map(({ candidate }) => candidate);
}
