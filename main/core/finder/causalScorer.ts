// Scores many edits on many cases in few runs: every sample of a batch has an edit of its own, the layers before the first
// site that is edited are computed once for each text, and only the scored positions get logits. This is what makes measuring a cause (not guessing it) affordable.
import { AppError } from '../../contract/base/errors.ts';
import type { Edit } from '../../contract/domain/edit.ts';
import { InteractiveEdit, type Dictionaries, type DictionarySite } from '../edits/editPatches.ts';
import type { Model } from '../models/model.ts';
import { checkTokens } from '../models/modelInput.ts';
import { int64Tensor, tokenTensor } from '../models/tokenBatch.ts';
import { buildVariant } from '../models/variant.ts';
import type { Runtime, Session } from '../onnx/runtime.ts';
import type { ShownCase } from './shownCase.ts';
import { UneditedValues } from './uneditedValues.ts';

/** One edit on one case. */
export interface Trial {
  readonly edit: Edit;
  readonly shown: ShownCase;
}

export interface TrialScore {
  /** ln p of what is scored of the text; where continuations are compared, less that of the likeliest alternative. Nats. */
  readonly score: number;
  /** Greedy decoding still says it; or what was said is still the likeliest of what is compared. */
  readonly isShown: boolean;
}

export interface CausalScorerOptions {
  readonly model: Model;
  readonly runtime: Runtime;
  readonly dictionaries: Dictionaries;
  readonly places: readonly DictionarySite[];
  /** Tokens of one run. */
  readonly tokensPerRun?: number;
}

const TOKENS_PER_RUN = 1536;
/** Runs that trials which follow each other are dealt out to, by length. */
const RUNS_AT_ONCE = 3;
const LOGIT_BYTES = 128 << 20;
/** Two logits that differ by less are a tie that rounding decides. */
const TIE = 1e-5;

/** What one trial says or could say: −1 what was said, from 0 on the alternatives. */
interface Piece {
  readonly trial: number;
  readonly alternative: number;
  /** Index of the first token that is scored. */
  readonly from: number;
  /** The tokens from there on. */
  readonly targets: readonly number[];
}

interface PieceScore {
  readonly trial: number;
  readonly alternative: number;
  logProb: number;
  /** ≤ 0: by how much the least likely of its tokens misses being the likeliest. */
  margin: number;
}

/** One sequence to be read, and everything that is scored on it. */
interface Row {
  readonly edit: Edit;
  /** Without the last token, which is only ever a target. */
  readonly ids: readonly number[];
  readonly promptLength: number;
  readonly pieces: readonly Piece[];
}

/** Pieces that are read alike (continuations of a single token, for one) share a row. */
function rowsOf({ edit, shown: { said, against } }: Trial, trial: number): Row[] {
  const rows: (Row & { readonly pieces: Piece[] })[] = [];
  for (const [index, { ids, promptLength, scoredFrom: from = promptLength }] of [said, ...against].entries()) {
    const piece = { trial, alternative: index - 1, from, targets: ids.slice(from) };
    const input = ids.slice(0, -1);
    const same = rows.find((row) => row.ids.length === input.length && row.ids.every((id, at) => id === input[at]));
    if (same) same.pieces.push(piece);
    else rows.push({ edit, ids: input, promptLength, pieces: [piece] });
  }
  return rows;
}

export class CausalScorer {
  readonly #model: Model;
  readonly #session: Session;
  readonly #interactive: InteractiveEdit;
  readonly #unedited: UneditedValues;
  readonly #tokensPerRun: number;

  private constructor(
    options: CausalScorerOptions,
    { interactive, unedited, session }: { interactive: InteractiveEdit; unedited: UneditedValues; session: Session },
  ) {
    this.#model = options.model;
    this.#session = session;
    this.#interactive = interactive;
    this.#unedited = unedited;
    this.#tokensPerRun = options.tokensPerRun ?? TOKENS_PER_RUN;
  }

  /** @throws AppError `not-found` for a missing dictionary, `unknown-site`. */
  static async open(options: CausalScorerOptions): Promise<CausalScorer> {
    const { model, runtime, dictionaries, places } = options;
    const interactive = new InteractiveEdit(places, dictionaries, {
      bosTokenId: model.config.bosTokenId,
      perSample: true,
      promptLength: true,
      firstFiring: true,
    });
    const sites = places.map(({ site }) => site);
    const unedited = await UneditedValues.open(model, runtime, sites);
    const patches = [unedited.patch, ...interactive.patches];
    const graph = buildVariant(model, { head: 'chosenLogProbs', patches });
    const session = await runtime.createSession(graph, { weightsFolder: model.weightsFolder });
    return new CausalScorer(options, { interactive, unedited, session });
  }

  /** In the order of the trials. @throws AppError `diverged`, `cancelled`, `usage` for a text longer than the context. */
  async score(
    trials: readonly Trial[],
    {
      signal,
      onTrials,
    }: { readonly signal?: AbortSignal | undefined; readonly onTrials?: (done: number) => void } = {},
  ): Promise<TrialScore[]> {
    const rows = trials.flatMap(rowsOf);
    const sums = new Float64Array(trials.length);
    const best = new Float64Array(trials.length).fill(-Infinity);
    const greedy = new Uint8Array(trials.length).fill(1);
    let done = 0;
    for (const batch of this.#batches(rows)) {
      if (signal?.aborted) throw new AppError('cancelled', 'The search was cancelled.');
      const results = await this.#run(batch);
      for (const { trial, alternative, logProb, margin } of results) {
        if (!Number.isFinite(logProb)) {
          throw new AppError(
            'diverged',
            'With an edit tried in the search, the model gives numbers that are not finite.',
          );
        }
        if (alternative >= 0) {
          best[trial] = Math.max(best[trial] ?? -Infinity, logProb);
          continue;
        }
        sums[trial] = logProb;
        if (margin < -TIE) greedy[trial] = 0;
      }
      done += batch.length;
      onTrials?.(Math.floor((done / rows.length) * trials.length));
    }
    return trials.map(({ shown }, trial) => {
      const said = sums[trial] ?? NaN;
      if (shown.against.length === 0) return { score: said, isShown: greedy[trial] === 1 };
      const score = said - (best[trial] ?? NaN);
      return { score, isShown: score > 0 };
    });
  }

  async release(): Promise<void> {
    await this.#unedited.release();
    await this.#session.release();
  }

  async #run(batch: readonly Row[]): Promise<PieceScore[]> {
    const inputs = batch.map(({ ids }) => ids);
    checkTokens(this.#model.config, inputs);
    const results: PieceScore[] = [];
    const scored = batch.flatMap(({ pieces }, row) =>
      pieces.flatMap(({ trial, alternative, from, targets }) => {
        const result = { trial, alternative, logProb: 0, margin: 0 };
        results.push(result);
        return targets.map((target, index) => ({ row, position: from + index - 1, target, result }));
      }),
    );
    const feeds = this.#interactive.feeds(
      batch.map(({ edit }) => edit),
      { batch: batch.length, promptLengths: batch.map(({ promptLength }) => promptLength) },
    );
    const outputs = await this.#session.run({
      ...feeds,
      ...(await this.#unedited.feeds(inputs)),
      input_ids: tokenTensor(inputs, 'right'),
      scored_positions: int64Tensor(
        scored.flatMap(({ row, position }) => [row, position]),
        [scored.length, 2],
      ),
      scored_targets: int64Tensor(
        scored.map(({ target }) => target),
        [scored.length, 1],
      ),
    });
    const logProbs = outputs['chosen_log_probs']?.data;
    const margins = outputs['chosen_margins']?.data;
    if (!(logProbs instanceof Float32Array) || !(margins instanceof Float32Array)) {
      throw new AppError('internal', 'The engine gave no scores.');
    }
    for (const [index, { result }] of scored.entries()) {
      result.logProb += logProbs[index] ?? NaN;
      result.margin = Math.min(result.margin, margins[index] ?? NaN);
    }
    return results;
  }

  /**
   * Rows of like length together, but only of trials that follow each other: every distinct operation of a run is computed for
   * all of its rows, so a run with many edits costs more than it saves.
   */
  #batches(rows: readonly Row[]): Row[][] {
    const { vocabularySize } = this.#model.config;
    const mostScored = Math.max(1, Math.floor(LOGIT_BYTES / 4 / vocabularySize));
    return neighbours(rows, RUNS_AT_ONCE * this.#tokensPerRun).flatMap((near) => {
      const sorted = [...near].sort((a, b) => a.ids.length - b.ids.length); // stable: in the order of the trials
      const batches: Row[][] = [];
      let scored = 0;
      for (const row of sorted) {
        const open = batches.at(-1);
        const more = row.pieces.reduce((sum, { targets }) => sum + targets.length, 0);
        if (open && (open.length + 1) * row.ids.length <= this.#tokensPerRun && scored + more <= mostScored) {
          open.push(row);
          scored += more;
        } else {
          batches.push([row]);
          scored = more;
        }
      }
      return batches;
    });
  }
}

/** Rows in their order, cut where they hold more than so many tokens. */
function neighbours(rows: readonly Row[], tokens: number): Row[][] {
  const groups: Row[][] = [];
  let held = Infinity;
  for (const row of rows) {
    if (held + row.ids.length > tokens) {
      groups.push([]);
      held = 0;
    }
    groups.at(-1)?.push(row);
    held += row.ids.length;
  }
  return groups;
}
