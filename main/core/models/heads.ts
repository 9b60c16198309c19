// What is computed from a model's last hidden states inside the graph, so that [batch, time, vocabulary] need not leave it.
// Every head states its outputs, and its inputs beyond those of the model. Logarithms are natural: losses are in nats.
import { graphError, type GraphBuilder, type Value } from '../onnx/graph.ts';
import * as op from '../onnx/ops.ts';
import type { ModelBody } from './architecture.ts';

/**
 * - `logits`: output `logits` `[batch, time, vocabulary]`.
 * - `lastLogits`: output `last_logits` `[batch, vocabulary]`, at the last token of each row. Rows are padded on the left
 *   with a cache; without, the input `last_position` int64 `[batch]` says where each ends.
 * - `topTokens`: outputs `top_ids` int64 and `top_log_probs` `[batch, k]`, at the same place as lastLogits.
 * - `everyTopTokens`: outputs `every_top_ids` int64 and `every_top_log_probs` `[batch, time, k]`, after every token.
 * - `argmax`: output `argmax` int64 `[batch, time]`, the likeliest next token at every position.
 * - `loss`: output `loss` `[batch, time − 1]`: −log p(token t+1 | tokens up to t).
 * - `tokenLogProbs`: input `target_ids` int64 `[batch, time, targets]`, output `token_log_probs` of that shape:
 *   log p(target is the next token).
 * - `chosenLogProbs`: inputs `scored_positions` int64 `[scored, 2]` (row, position) and `scored_targets` int64
 *   `[scored, 1]`; outputs `chosen_log_probs` `[scored]`: log p(target is the next token) there, and `chosen_margins`
 *   `[scored]`: the target's logit less the largest, so 0 where greedy decoding takes it. Only these positions get logits.
 * - `metric`: inputs `metric_positions` int64 `[terms, 2]` (row, position), `metric_targets` int64 `[terms, 1]`, and float32
 *   `metric_weights` and `metric_normalisations` `[terms]`; output `metric` `[terms]`: weight·(logit − normalisation·log Σ
 *   exp(logits)) there. With normalisation 1 it is a log-probability, with 0 a logit.
 * - `chosenRanks`: the inputs of `chosenLogProbs`; output `chosen_ranks` float32 `[scored]`: how many tokens have a larger logit than the
 *   target; 0 where greedy decoding takes it. Whole numbers, exact for any vocabulary below 2²⁴.
 * - `kl`: output `kl` `[batch, time]`: KL(p‖q) of p, the model without patches, and q, the model with them.
 * - `klToReference`: the same with p given as the input `reference_logits` `[batch, time, vocabulary]`.
 */
export type Head =
  | 'logits'
  | 'lastLogits'
  | 'topTokens'
  | 'everyTopTokens'
  | 'argmax'
  | 'loss'
  | 'tokenLogProbs'
  | 'chosenLogProbs'
  | 'chosenRanks'
  | 'metric'
  | 'kl'
  | 'klToReference';

export interface HeadContext {
  readonly graph: GraphBuilder;
  readonly body: ModelBody;
  /** The hidden states are those of `scoredOnly` already. */
  readonly isScoredOnly: boolean;
  readonly hasCache: boolean;
  readonly vocabularySize: number;
  readonly topTokenCount: number;
  /** Builds the model without patches into the same graph. What it shares with the patched one the engine merges. */
  readonly unpatched: () => ModelBody;
}

/** Adds the outputs of the heads asked for. The logits are computed once, and only where they are needed. */
export function addHeads(heads: readonly Head[], context: HeadContext): void {
  const { graph, body, hasCache, vocabularySize } = context;
  const logits = lazily(() => body.logits(body.hidden));
  const lastLogits = lazily(() => body.logits(lastHidden(context)));
  const scoredLogits = lazily(() => chosenOf(context));
  for (const head of new Set(heads)) {
    if (hasCache && (head === 'loss' || head === 'kl')) throw graphError(`The head ${head} needs the uncached form.`);
    switch (head) {
      case 'logits':
        graph.output(logits(), 'logits');
        break;
      case 'lastLogits':
        graph.output(lastLogits(), 'last_logits');
        break;
      case 'topTokens': {
        const top = op.topK(op.logSoftmax(lastLogits()), Math.min(context.topTokenCount, vocabularySize));
        graph.output(top.indices, 'top_ids');
        graph.output(top.values, 'top_log_probs');
        break;
      }
      case 'everyTopTokens': {
        const top = op.topK(op.logSoftmax(logits()), Math.min(context.topTokenCount, vocabularySize));
        graph.output(top.indices, 'every_top_ids');
        graph.output(top.values, 'every_top_log_probs');
        break;
      }
      case 'argmax':
        graph.output(op.argMax(logits()), 'argmax');
        break;
      case 'loss':
        graph.output(nextTokenLoss(context, heads.length === 1 ? null : logits()), 'loss');
        break;
      case 'tokenLogProbs': {
        const targets = graph.input('target_ids', 'int64', ['batch', 'time', 'targets']);
        const chosen = op.gatherElements(logits(), targets);
        graph.output(op.sub(chosen, op.reduceLogSumExp(logits(), [-1])), 'token_log_probs');
        break;
      }
      case 'chosenLogProbs': {
        const { scored, chosen } = scoredLogits();
        graph.output(op.squeeze(op.sub(chosen, op.reduceLogSumExp(scored, [-1])), [-1]), 'chosen_log_probs');
        graph.output(op.squeeze(op.sub(chosen, op.reduceMax(scored, [-1])), [-1]), 'chosen_margins');
        break;
      }
      case 'chosenRanks': {
        const { scored, chosen } = scoredLogits();
        const isLarger = op.cast(op.greater(scored, chosen), 'float32');
        graph.output(op.reduceSum(isLarger, [-1], { keepDims: false }), 'chosen_ranks');
        break;
      }
      case 'metric':
        graph.output(metricTerms(body), 'metric');
        break;
      case 'kl': {
        const original = context.unpatched();
        graph.output(klDivergence(original.logits(original.hidden), logits()), 'kl');
        break;
      }
      case 'klToReference': {
        const reference = graph.input('reference_logits', 'float32', ['batch', 'time', vocabularySize]);
        graph.output(klDivergence(reference, logits()), 'kl');
        break;
      }
    }
  }
}

/** `[1, scored, …]` of `[batch, time, …]`: at the positions that the head chosenLogProbs scores. */
export function scoredOnly(value: Value): Value {
  const { graph } = value;
  const at = graph.find('scored_positions') ?? graph.input('scored_positions', 'int64', ['scored', 2]);
  return op.unsqueeze(op.gatherND(value, at), [0]);
}

function metricTerms(body: ModelBody): Value {
  const { graph } = body.hidden;
  const at = graph.input('metric_positions', 'int64', ['terms', 2]);
  const targets = graph.input('metric_targets', 'int64', ['terms', 1]);
  const perTerm = (name: string) => graph.input(name, 'float32', ['terms']);
  const logits = body.logits(op.gatherND(body.hidden, at));
  const chosen = op.squeeze(op.gatherElements(logits, targets), [-1]);
  const normaliser = op.reduceLogSumExp(logits, [-1], { keepDims: false });
  return op.mul(perTerm('metric_weights'), op.sub(chosen, op.mul(perTerm('metric_normalisations'), normaliser)));
}

/** `[batch, hiddenSize]`: at the last token of each row. */
function lastHidden({ graph, body, hasCache }: HeadContext): Value {
  if (hasCache) return op.squeeze(op.slice(body.hidden, 1, -1, op.END), [1]);
  const last = graph.find('last_position') ?? graph.input('last_position', 'int64', ['batch']);
  return op.gatherND(body.hidden, op.unsqueeze(last, [1]), 1);
}

/** −log softmax(logits)[next token] = log Σ exp(logits) − logits[next token]: no second array of the logits' size. */
function nextTokenLoss({ graph, body }: HeadContext, allLogits: Value | null): Value {
  const before = (x: Value) => op.slice(x, 1, 0, -1, 'time-1');
  const logits = allLogits ? before(allLogits) : body.logits(before(body.hidden));
  const next = op.slice(graph.value('input_ids'), 1, 1, op.END, 'time-1');
  const chosen = op.gatherElements(logits, op.unsqueeze(next, [-1]));
  return op.squeeze(op.sub(op.reduceLogSumExp(logits, [-1]), chosen), [-1]);
}

/** `[scored, vocabulary]` and `[scored, 1]`: the logits at the positions that are scored, and those of their targets. */
function chosenOf({ graph, body, isScoredOnly }: HeadContext): { readonly scored: Value; readonly chosen: Value } {
  const targets = graph.input('scored_targets', 'int64', ['scored', 1]);
  const hidden = isScoredOnly ? body.hidden : scoredOnly(body.hidden);
  const scored = body.logits(op.squeeze(hidden, [0]));
  return { scored, chosen: op.gatherElements(scored, targets) };
}

/** Σ p·(log p − log q) = Σ p·(a − b) − log Σ exp(a) + log Σ exp(b), for p = softmax(a), q = softmax(b): `[batch, time]`. */
function klDivergence(a: Value, b: Value): Value {
  const cross = op.reduceSum(op.mul(op.softmax(a), op.sub(a, b)), [-1], { keepDims: false });
  const normalizers = op.sub(
    op.reduceLogSumExp(b, [-1], { keepDims: false }),
    op.reduceLogSumExp(a, [-1], { keepDims: false }),
  );
  return op.add(cross, normalizers);
}

function lazily<T>(build: () => T): () => T {
  let built: { readonly value: T } | null = null;
  return () => (built ??= { value: build() }).value;
}
