// Among edits that remove as much, the one whose answers are sound: the same operations with other numbers, one at a time or
// all together, as long as that makes more of the answers sound and harms no more.
import type { Edit } from '../../contract/domain/edit.ts';
import { withOperation, withOtherNumbers } from './candidateOperations.ts';
import type { OnStep } from './step.ts';
import type { Trials } from './trials.ts';

export interface SoundenContext {
  readonly trials: Trials;
  /** Share of sound answers with an edit that reaches the goal; null for one that does not. */
  readonly reaches: (edit: Edit) => Promise<number | null>;
  readonly onStep: OnStep;
}

/** What a number is multiplied with. */
const FACTORS = [0.5, 0.75, 1.5, 2];
/** Variants whose answers are looked at in a round, those that harm least first: each is a run over all cases. */
const LOOKED_AT = 8;
const MOST_ROUNDS = 2;
/** A variant must gain so much of the answers, and may cost so many nats on the worst of what must stay. */
const LEAST_GAIN = 0.05;
const FREE_HARM = 0.005;
/** Nothing is looked for where answers are as sound as this. */
const SOUND_ENOUGH = 0.95;

/** @param found an edit that reaches the goal. */
export async function soundenEdit(found: Edit, { trials, reaches, onStep }: SoundenContext): Promise<Edit> {
  let edit = found;
  let share = (await reaches(edit)) ?? 1;
  const [allowed = 0] = await trials.harmsOf([found]);
  for (let round = 0; round < MOST_ROUNDS && share < SOUND_ENOUGH; round++) {
    const variants = variantsOf(edit);
    const harms = await trials.harmsOf(variants);
    const affordable = variants
      .map((variant, index) => ({ variant, harm: harms[index] ?? Infinity }))
      .filter(({ harm }) => harm <= allowed + FREE_HARM)
      .sort((a, b) => a.harm - b.harm)
      .slice(0, LOOKED_AT);
    let best: { readonly variant: Edit; readonly harm: number; readonly share: number } | null = null;
    for (const { variant, harm } of affordable) {
      const sound = await reaches(variant);
      if (sound !== null && sound >= (best?.share ?? share + LEAST_GAIN)) best = { variant, harm, share: sound };
    }
    if (!best) return edit;
    const [before = 1, after = 1] = await trials.remainingShare(trials.target, [edit, best.variant], 'Checking');
    const [harmed = 0] = await trials.harmsOf([edit]);
    const known = new Set(edit.operations);
    onStep({
      action: 'alter',
      operations: best.variant.operations.filter((operation) => !known.has(operation)),
      before: { remaining: before, harm: harmed },
      remaining: after,
      harm: best.harm,
      tried: variants.length,
      sound: { share: best.share, passedOver: share },
      runnersUp: [],
    });
    edit = best.variant;
    share = best.share;
  }
  return edit;
}

function variantsOf(edit: Edit): Edit[] {
  const each = edit.operations.flatMap((operation) =>
    withOtherNumbers(operation, FACTORS).map((other) => withOperation(edit, other)),
  );
  const together =
    edit.operations.length < 2
      ? []
      : FACTORS.map((factor): Edit => {
          return {
            operations: edit.operations.map((operation) => withOtherNumbers(operation, [factor])[0] ?? operation),
          };
        });
  return [...together, ...each];
}
