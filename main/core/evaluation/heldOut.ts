// Held-out text for collateral: documents one by one, each opened as the tokenizer opens a text and closed by the end token
// where it has one; long ones in windows of the model's context. One window is one unit of the bootstrap.
import type { Corpus } from '../activations/corpus.ts';
import { encodeDocuments } from '../activations/encodeDocuments.ts';
import { AppError } from '../../contract/base/errors.ts';
import type { Text } from '../interventions/intervenableModel.ts';
import type { ModelConfig } from '../models/config.ts';
import { Random } from '../numerics/random.ts';
import type { TextEncoder } from '../models/tokenizer.ts';

export interface HeldOutOptions {
  /** How many contexts to draw. */
  readonly contexts: number;
  readonly seed: number;
  /** Longest context, of at most the model's own; in tokens. */
  readonly longest?: number;
}

/** More are not looked at, so that a corpus of any size costs a bounded time. */
const MOST_CANDIDATES = 20_000;
const LONGEST = 256;
const SHORTEST = 4;

/**
 * Contexts drawn without replacement from the first 20 000 of a corpus.
 * @throws AppError `empty` when fewer than two contexts of at least four tokens are there.
 */
export async function readHeldOut(
  corpus: Corpus,
  tokenizer: TextEncoder & { readonly eosTokenId: number | null },
  config: ModelConfig,
  { contexts, seed, longest = LONGEST }: HeldOutOptions,
): Promise<number[][]> {
  const { opening: start, eosTokenId } = tokenizer;
  const width = Math.min(longest, config.contextLength) - start.length;
  const candidates: number[][] = [];
  let open: number[] = [];
  const take = (ids: readonly number[]) => {
    for (let at = 0; at < ids.length && candidates.length < MOST_CANDIDATES; at += width) {
      const window = [...start, ...ids.slice(at, at + width)];
      if (window.length >= SHORTEST) candidates.push(window);
    }
  };
  const close = () => {
    if (open.length > 0) take(eosTokenId === null ? open : [...open, eosTokenId]);
    open = [];
  };
  for await (const { ids, startsDocument } of encodeDocuments(corpus.pieces(), tokenizer)) {
    if (startsDocument) close();
    if (candidates.length >= MOST_CANDIDATES) break;
    open = open.length === 0 ? Array.from(ids) : open.concat(Array.from(ids));
  }
  close();
  if (candidates.length < 2) {
    throw new AppError(
      'empty',
      `The held-out text gives ${candidates.length} contexts of ${SHORTEST} tokens or more: two are the least.`,
    );
  }
  const order = Int32Array.from(candidates.keys());
  Random.forPart(seed, 1).shuffle(order);
  return Array.from(order.slice(0, contexts).sort(), (index) => candidates[index] ?? []);
}

/** For scopes that tell prompt and generated text apart, the first half of a text counts as its prompt. */
export function asText(ids: readonly number[]): Text {
  return { ids, promptLength: Math.ceil(ids.length / 2) };
}
