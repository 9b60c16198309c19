// The comparison made at the time of an export: the artifact's files, loaded afresh, against the model as the workbench runs it
// (the user's own weights, the edit as inputs of the graph), on held-out text; and what the edit changes there at all.
import { join } from 'node:path';
import { AppError } from '../contract/errors.ts';
import type { OnWork } from '../contract/progress.ts';
import { EMPTY_EDIT, type Edit } from '../edits/edit.ts';
import { InteractiveEdit, placesOf, type Dictionaries } from '../edits/editPatches.ts';
import type { Model } from '../models/model.ts';
import { buildVariant } from '../models/variant.ts';
import type { Runtime, Session } from '../onnx/runtime.ts';
import { agreementOf, EquivalenceCheck, type EditEffect, type Equivalence } from './equivalence.ts';
import { promptLengthOf, type HeldOutText } from './heldOutText.ts';
import { LogitComparison } from './logitComparison.ts';
import { continueGreedily, textLogits, type FeedsOf } from './modelRuns.ts';
import type { Reference, ReferenceText } from './reference.ts';
import { CACHED_MODEL_FILE, MODEL_FILE, withSession } from './verifyArtifact.ts';

/** Logits that are kept in the artifact. */
const REFERENCE_BYTES = 32 << 20;
const REFERENCE_TEXTS = 8;

export interface WorkbenchOptions {
  readonly runtime: Runtime;
  readonly model: Model;
  readonly edit: Edit;
  readonly dictionaries: Dictionaries;
  readonly bosTokenId: number | null;
  readonly text: HeldOutText;
  /** What the artifact's models need beside tokens and cache. */
  readonly artifactFeeds: FeedsOf;
  readonly signal?: AbortSignal;
  readonly onWork?: OnWork;
}

export interface WorkbenchComparison {
  readonly equivalence: Equivalence;
  readonly effect: EditEffect;
  /** What the artifact will be verified against later: the texts on which the edit does most. */
  readonly reference: Reference;
}

/** @param folder with the artifact's models, under whatever name. @throws AppError `cancelled`, and what the engine says. */
export async function compareWithWorkbench(folder: string, options: WorkbenchOptions): Promise<WorkbenchComparison> {
  const { runtime, model, edit, dictionaries, bosTokenId, text, signal, onWork } = options;
  const { vocabularySize } = model.config;
  const abilities = { bosTokenId, promptLength: true, firstFiring: true };
  const interactive = new InteractiveEdit(placesOf(edit), dictionaries, abilities);
  const original: FeedsOf = (facts) => interactive.feeds(EMPTY_EDIT, facts);
  const patched: FeedsOf = (facts) => interactive.feeds(edit, facts);
  const openWorkbench = (cache: boolean) =>
    runtime.createSession(buildVariant(model, { head: 'logits', patches: interactive.patches, cache }), {
      weightsFolder: model.weightsFolder,
    });

  const check = new EquivalenceCheck(vocabularySize);
  const effect = new LogitComparison();
  const kept = new KeptTexts(vocabularySize);
  const total = text.contexts.reduce((sum, { length }) => sum + length, 0);
  let done = 0;
  await withBoth(openWorkbench(false), runtime, join(folder, MODEL_FILE), async (workbench, artifact) => {
    for (const context of text.contexts) {
      refuseCancelled(signal);
      const promptLength = promptLengthOf(context);
      const before = await textLogits(workbench, context, promptLength, original);
      const expected = await textLogits(workbench, context, promptLength, patched);
      check.addLogits(expected, await textLogits(artifact, context, promptLength, options.artifactFeeds));
      kept.offer({ tokens: context, promptLength, logits: expected }, effect.add(before, expected, vocabularySize));
      done += context.length;
      onWork?.({ stage: 'Comparing with the workbench', done, total, unit: 'tokens' });
    }
  });

  const { prompts, newTokens } = text;
  const [before, expected, actual] = await withBoth(
    openWorkbench(true),
    runtime,
    join(folder, CACHED_MODEL_FILE),
    async (workbench, artifact) => {
      const runs = [
        [workbench, original],
        [workbench, patched],
        [artifact, options.artifactFeeds],
      ] as const;
      const results = [];
      for (const [index, [session, feedsOf]] of runs.entries()) {
        const all = prompts.length * newTokens;
        const onToken = (tokens: number) =>
          onWork?.({ stage: 'Generating', done: index * all + tokens, total: runs.length * all, unit: 'tokens' });
        const cache = model.config;
        results.push(
          await continueGreedily(session, prompts, newTokens, {
            cache,
            feedsOf,
            ...(signal ? { signal } : {}),
            onToken,
          }),
        );
      }
      return results;
    },
  );
  if (!before || !expected || !actual) throw new AppError('internal', 'A continuation is missing.');
  return {
    equivalence: check.finish('exported', runtime.device, expected, actual),
    effect: { logits: effect.result(), greedyAgreement: agreementOf(before, expected) },
    reference: { texts: kept.texts, prompts, continuations: expected },
  };
}

/** Both sessions, released whatever happens. */
async function withBoth<T>(
  opening: Promise<Session>,
  runtime: Runtime,
  artifactPath: string,
  use: (workbench: Session, artifact: Session) => Promise<T>,
): Promise<T> {
  const workbench = await opening;
  try {
    return await withSession(runtime, artifactPath, (artifact) => use(workbench, artifact));
  } finally {
    await workbench.release();
  }
}

function refuseCancelled(signal: AbortSignal | undefined): void {
  if (signal?.aborted) throw new AppError('cancelled', 'The export was cancelled.');
}

/** The beginnings of the few texts on which the edit does most, within a bounded piece of memory. */
class KeptTexts {
  readonly #vocabularySize: number;
  readonly #longest: number;
  #kept: { readonly text: ReferenceText; readonly effect: number }[] = [];

  constructor(vocabularySize: number) {
    this.#vocabularySize = vocabularySize;
    this.#longest = Math.max(2, Math.floor(REFERENCE_BYTES / (4 * vocabularySize * REFERENCE_TEXTS)));
  }

  get texts(): readonly ReferenceText[] {
    return this.#kept.map(({ text }) => text);
  }

  /** @param divergences KL between original and patched model at each position. */
  offer({ tokens, promptLength, logits }: ReferenceText, divergences: Float64Array): void {
    const length = Math.min(tokens.length, this.#longest);
    const effect = divergences.subarray(0, length).reduce((sum, value) => sum + value, 0);
    const weakest = this.#kept.at(-1);
    if (this.#kept.length === REFERENCE_TEXTS && weakest && weakest.effect >= effect) return;
    const text = {
      tokens: Array.from(tokens).slice(0, length),
      promptLength, // of the whole text: what comes later changes nothing here
      logits: logits.slice(0, length * this.#vocabularySize),
    };
    this.#kept.push({ text, effect });
    this.#kept.sort((a, b) => b.effect - a.effect);
    this.#kept = this.#kept.slice(0, REFERENCE_TEXTS);
  }
}
