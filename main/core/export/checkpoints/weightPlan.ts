// Whether an edit can be compiled into a model's weights, and into which of them. Pure: names of tensors and sites only.
//
// A steer adds a constant, so it belongs into a bias that is added at its site. A projection x' = Mx (M = I + Σ (c−1)d̂d̂ᵀ) is
// linear, so it can be applied to each thing written to the stream instead of to their sum. Where the sum is not read
// before the site, both are the same. Where blocks before the site read it, they see the projected stream already, and the
// compiled model differs from the edit at the site alone.
import { lineOf, OPERATIONS, type Action, type Operation } from '../../../contract/domain/operations/index.ts';
import { NO_CHANGE, type Line, type OperationDefinition } from '../../../contract/domain/operations/operation.ts';
import type { Scope } from '../../../contract/domain/operations/target.ts';
import type { Model } from '../../models/model.ts';
import type { HalfWriter, Writer } from '../../models/writers.ts';

/** What the maps of one site act on. */
export interface SiteStep {
  readonly site: string;
  /** The projections of this site act on all of these. */
  readonly writers: readonly WriterAt[];
  /** Where the site's constant is added; null: nothing is. */
  readonly constant: ConstantPlace | null;
}

export interface WriterAt extends Writer {
  /** The site at which what it writes can be seen: alone, or the embedding and the table of positions together. */
  readonly site: string;
}

export interface ConstantPlace {
  /** A bias, or a table of which a row is added at every position. */
  readonly tensor: string;
  /** Where what the tensor belongs to can be seen. */
  readonly site: string;
}

export interface WeightPlan {
  /** In the order in which the model computes the sites. */
  readonly steps: readonly SiteStep[];
  /** False: blocks before a site read the projected stream. */
  readonly isExact: boolean;
}

/** Why there is no plan: a sentence for a person. */
export interface Refusal {
  readonly refused: string;
}

/** Where everything that is embedded has come together. */
const FIRST = 'blocks.0.hook_resid_pre';
const STREAM_SITE = /^blocks\.(\d+)\.(hook_resid_pre|hook_resid_mid|hook_resid_post|hook_attn_out|hook_mlp_out)$/u;

/** `bias`: steers only. `weights`: projections, and steers beside them. */
export function planWeights(
  model: Pick<Model, 'writers' | 'sites' | 'config'>,
  operations: readonly Operation[],
  form: 'bias' | 'weights',
): WeightPlan | Refusal {
  if (operations.length === 0) return { refused: 'The edit has no operations.' };
  const unfit = operations.find(
    (operation) => !(isConstant(operation) || (form === 'weights' && isProjection(operation))),
  );
  if (unfit) return { refused: refusedKind(unfit, form) };
  if (form === 'weights' && operations.every(isConstant)) {
    return { refused: 'There is no projection among the operations: a steer alone belongs into a bias.' };
  }
  for (const { scope, gates, feature } of operations) {
    if (scope.positions !== 'all')
      return { refused: `Weights act at every position, but ${scopeText(feature, scope)}.` };
    if (gates.length > 0) return { refused: `Weights act always, but the operation at feature ${feature} has gates.` };
  }

  const steps: SiteStep[] = [];
  let isExact = true;
  for (const { name } of model.sites) {
    const here = operations.filter(({ site }) => site === name);
    if (here.length === 0) continue;
    const step = planSite(model, name, {
      projects: here.some(isProjection),
      steers: here.some(isConstant),
    });
    if ('refused' in step) return step;
    steps.push(step);
    if (step.writers.length > 0 && isReadBefore(name)) isExact = false;
  }
  const unknown = operations.find(({ site }) => !steps.some((step) => step.site === site));
  if (unknown) return { refused: `The model has no site ${unknown.site}.` };
  return { steps, isExact };
}

/** What an operation adds to x: a constant α·d, a linear map (c−1)(x·d̂)d̂ of it, or what weights cannot give. */
export function addedBy(
  { reads, onlyActive }: Pick<OperationDefinition<Action>, 'reads' | 'onlyActive'>,
  { offset, low, high }: Line,
): 'constant' | 'projection' | 'other' {
  if (reads === 'feature' || onlyActive) return 'other';
  if (reads === 'nothing') return 'constant';
  return offset === 0 && low === NO_CHANGE.low && high === NO_CHANGE.high ? 'projection' : 'other';
}

const isConstant = (operation: Operation) => addedBy(OPERATIONS[operation.kind], lineOf(operation)) === 'constant';
const isProjection = (operation: Operation) => addedBy(OPERATIONS[operation.kind], lineOf(operation)) === 'projection';

function refusedKind(operation: Operation, form: 'bias' | 'weights'): string {
  const { kind, feature } = operation;
  if (isProjection(operation)) {
    return `The projection at feature ${feature} is not constant: only steers fit into a bias.`;
  }
  const fitting = form === 'bias' ? 'only steers add a constant' : 'only projections and steers are linear';
  if (OPERATIONS[kind].reads === 'stream') return `${kind} of feature ${feature} is not linear: ${fitting}.`;
  return `${kind} of feature ${feature} depends on how strongly the feature fires: ${fitting}.`;
}

function scopeText(feature: number, { positions }: Scope): string {
  const where = {
    all: '',
    notBos: 'leaves BOS alone',
    promptOnly: 'acts on the prompt only',
    generatedOnly: 'acts on the generated text only',
    fromFirstFiring: 'begins with the first firing of another feature',
  }[positions];
  return `the operation at feature ${feature} ${where}`;
}

/** Whether something reads the stream between its writers and the site. */
function isReadBefore(site: string): boolean {
  return site !== 'hook_embed' && site !== FIRST && !/hook_(?:attn|mlp)_out$/u.test(site);
}

function planSite(
  model: Pick<Model, 'writers' | 'config'>,
  site: string,
  { projects, steers }: { readonly projects: boolean; readonly steers: boolean },
): SiteStep | Refusal {
  const found = writersOf(model, site);
  if ('refused' in found) return found;
  if (projects) {
    const mixture = found.writers.find(({ isMixture }) => isMixture);
    if (mixture) {
      return { refused: `${mixture.weight}, which writes to the stream before ${site}, is a mixture of experts.` };
    }
    const normalized = found.writers.find(({ normAfter }) => normAfter !== null && normAfter !== undefined);
    if (normalized) {
      return {
        refused:
          `What ${normalized.weight} gives passes a norm before it is in the stream at ${site}: a projection of the one is none ` +
          `of the other.`,
      };
    }
  }
  const constant = steers ? found.constant : null;
  if (constant !== null && 'refused' in constant) return constant;
  return { site, writers: projects ? found.writers : [], constant };
}

interface FoundWriters {
  readonly writers: readonly (WriterAt & Partial<Pick<HalfWriter, 'normAfter' | 'isMixture'>>)[];
  readonly constant: ConstantPlace | Refusal;
}

function writersOf({ writers, config }: Pick<Model, 'writers' | 'config'>, site: string): FoundWriters | Refusal {
  const { embedding, positions, blocks } = writers;
  const isTable = embedding.streamAxis === 1;
  const embedded: WriterAt = { ...embedding, site: 'hook_embed' };
  const everyRow: ConstantPlace | Refusal = positions
    ? { tensor: positions.weight, site: FIRST }
    : {
        refused: `Before ${site} the model has embedded its tokens only, and ${isTable ? 'the embedding' : embedding.weight} has no bias.`,
      };
  if (site === 'hook_embed') return { writers: [embedded], constant: everyRow };
  const [, number, part] = STREAM_SITE.exec(site) ?? [];
  const index = Number(number);
  const block = blocks[index];
  if (part === undefined || !block) {
    return { refused: `${site} is not in the residual stream, nor what a half of a block adds to it.` };
  }
  const half = (at: number, kind: 'attention' | 'mlp', writer: HalfWriter) => ({
    ...writer,
    site: `blocks.${at}.${kind === 'attention' ? 'hook_attn_out' : 'hook_mlp_out'}`,
  });
  const attention = half(index, 'attention', block.attention);
  const mlp = half(index, 'mlp', block.mlp);
  // What a post-norm model has at these two sites has not passed its norm yet.
  const alone = (writer: typeof attention): FoundWriters =>
    writer.normAfter?.covers === 'stream'
      ? { writers: [{ ...writer, normAfter: null }], constant: biasOf({ ...writer, normAfter: null }, site) }
      : { writers: [writer], constant: biasOf(writer, site) };
  if (part === 'hook_attn_out') return alone(attention);
  if (part === 'hook_mlp_out') return alone(mlp);

  const first: WriterAt[] = [embedding, ...(positions ? [positions] : [])].map((writer) => ({
    ...writer,
    site: FIRST,
  }));
  const before = blocks
    .slice(0, index)
    .flatMap((one, at) => [half(at, 'attention', one.attention), half(at, 'mlp', one.mlp)]);
  const upTo = [
    ...before,
    ...(part === 'hook_resid_pre' ? [] : [attention]),
    ...(part === 'hook_resid_post' ? [mlp] : []),
  ];
  // In a parallel block, attention and feed-forward layer are added together.
  const all = config.residual === 'parallel' && part === 'hook_resid_mid' ? before : upTo;
  const last = all.at(-1);
  return { writers: [...first, ...all], constant: last ? biasOf(last, site) : everyRow };
}

function biasOf(writer: HalfWriter & Pick<WriterAt, 'site'>, site: string): ConstantPlace | Refusal {
  const { weight, bias, normAfter } = writer;
  if (normAfter === null) {
    if (bias !== null) return { tensor: bias, site: writer.site };
    return { refused: `${weight}, the last to write before the site, has no bias in this architecture.` };
  }
  if (normAfter.bias !== null)
    return { tensor: normAfter.bias, site: normAfter.covers === 'stream' ? site : writer.site };
  return { refused: `The norm after ${weight}, the last thing before the site, has no bias.` };
}
