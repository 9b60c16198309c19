// The comparison made at the time of an export: the artifact's files, loaded afresh, against the model as the workbench runs it
// (the user's own weights, the edit as inputs of the graph), on held-out text; and what the edit changes there at all. Where
// an artifact is compiled so that it is not the edit itself, it is compared with what it shall be, and how far that is
// from the edit is measured beside.
import type { EditEffect, Equivalence } from '../../contract/domain/equivalence.ts';
import { AppError } from '../../contract/base/errors.ts';
import type { OnWork } from '../../contract/base/progress.ts';
import { EMPTY_EDIT, type Edit } from '../../contract/domain/edit.ts';
import { InteractiveEdit, placesOf, type Dictionaries } from '../edits/editPatches.ts';
import type { Model } from '../models/model.ts';
import { buildVariant, type Patch } from '../models/variant.ts';
import type { Runtime, Session } from '../onnx/runtime.ts';
import type { ArtifactModel } from './artifactModel.ts';
import { agreementOf, EquivalenceCheck } from './equivalence.ts';
import { promptLengthOf, type HeldOutText } from './heldOutText.ts';
import { LogitComparison } from './logitComparison.ts';
import { continueGreedily, textLogits, type Continuations, type FeedsOf } from './modelRuns.ts';
import type { Reference, ReferenceText } from './reference.ts';

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
  readonly artifact: ArtifactModel;
  /** What the artifact shall do, where that is not the edit at its sites: patches without inputs. */
  readonly compiled: readonly Patch[] | null;
  readonly signal?: AbortSignal;
  readonly onWork?: OnWork;
}

export interface WorkbenchComparison {
  readonly equivalence: Equivalence;
  readonly effect: EditEffect;
  /** The edit at its sites against what the artifact does; null where they are the same. */
  readonly deviation: EditEffect | null;
  /** What the artifact will be verified against later: the texts on which the edit does most. */
  readonly reference: Reference;
}

/** One way in which a text can be run. */
interface Run {
  readonly session: Session;
  readonly feedsOf: FeedsOf;
}

/** The model as it is, with the edit, with what the artifact shall do, and the artifact. */
interface Runs {
  readonly original: Run;
  readonly edited: Run;
  readonly expected: Run;
  readonly artifact: Run;
}

/** @throws AppError `cancelled`, and what the engine says. */
export async function compareWithWorkbench(options: WorkbenchOptions): Promise<WorkbenchComparison> {
  const { runtime, model, compiled, text, signal, onWork } = options;
  const { vocabularySize } = model.config;
  const check = new EquivalenceCheck(vocabularySize);
  const effect = new LogitComparison();
  const deviation = new LogitComparison();
  const kept = new KeptTexts(vocabularySize);
  const total = text.contexts.reduce((sum, { length }) => sum + length, 0);
  let done = 0;
  await withRuns(options, false, async ({ original, edited, expected, artifact }) => {
    for (const context of text.contexts) {
      refuseCancelled(signal);
      const promptLength = promptLengthOf(context);
      const logits = async ({ session, feedsOf }: Run) => textLogits(session, context, promptLength, feedsOf);
      const before = await logits(original);
      const asked = await logits(edited);
      const wanted = compiled ? await logits(expected) : asked;
      check.addLogits(wanted, await logits(artifact));
      if (compiled) deviation.add(asked, wanted, vocabularySize);
      const strength = effect.add(before, asked, vocabularySize);
      kept.offer({ tokens: context, promptLength, logits: wanted }, strength);
      done += context.length;
      onWork?.({ stage: 'Comparing with the workbench', done, total, unit: 'tokens' });
    }
  });

  const { prompts, newTokens } = text;
  const texts = await withRuns(options, true, async (runs) => {
    const all = prompts.length * newTokens;
    const names = ['original', 'edited', ...(compiled ? (['expected'] as const) : []), 'artifact'] as const;
    const results = new Map<keyof Runs, Continuations>();
    for (const [index, name] of names.entries()) {
      const { session, feedsOf } = runs[name];
      const onToken = (tokens: number) =>
        onWork?.({ stage: 'Generating', done: index * all + tokens, total: names.length * all, unit: 'tokens' });
      const given = { cache: model.config, feedsOf, ...(signal ? { signal } : {}), onToken };
      results.set(name, await continueGreedily(session, prompts, newTokens, given));
    }
    return results;
  });
  const [before, asked, actual] = [texts.get('original'), texts.get('edited'), texts.get('artifact')];
  const wanted = texts.get('expected') ?? asked;
  if (!before || !asked || !wanted || !actual) throw new AppError('internal', 'A continuation is missing.');
  return {
    equivalence: check.finish('exported', runtime.device, wanted, actual),
    effect: { logits: effect.result(), greedyAgreement: agreementOf(before, asked) },
    deviation: compiled ? { logits: deviation.result(), greedyAgreement: agreementOf(asked, wanted) } : null,
    reference: { texts: kept.texts, prompts, continuations: wanted },
  };
}

/** All sessions of one form, released whatever happens. */
async function withRuns<T>(options: WorkbenchOptions, cache: boolean, use: (runs: Runs) => Promise<T>): Promise<T> {
  const { runtime, model, edit, dictionaries, bosTokenId, artifact, compiled } = options;
  const abilities = { bosTokenId, promptLength: true, firstFiring: true };
  const interactive = new InteractiveEdit(placesOf(edit), dictionaries, abilities);
  const openWith = (patches: readonly Patch[]) =>
    runtime.createSession(buildVariant(model, { head: 'logits', patches, cache }), {
      weightsFolder: model.weightsFolder,
    });
  const opened: Session[] = [];
  const keep = async (opening: Promise<Session>): Promise<Session> => {
    const session = await opening;
    opened.push(session);
    return session;
  };
  try {
    const workbench = await keep(openWith(interactive.patches));
    const edited: Run = { session: workbench, feedsOf: (facts) => interactive.feeds(edit, facts) };
    return await use({
      original: { session: workbench, feedsOf: (facts) => interactive.feeds(EMPTY_EDIT, facts) },
      edited,
      expected: compiled ? { session: await keep(openWith(compiled)), feedsOf: () => ({}) } : edited,
      artifact: { session: await keep(artifact.open(cache)), feedsOf: artifact.feedsOf },
    });
  } finally {
    for (const session of opened) await session.release();
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
