// The search itself: an edit grows until the behaviour is gone from what the model says, and is then made as small as it can be.
import { EMPTY_EDIT, type Edit } from '../../contract/domain/edit.ts';
import { growEdit, rankAgain, type GrowContext, type Option } from './growEdit.ts';
import type { Said } from './remainingCases.ts';
import { asAsked, type ShownCase } from './shownCase.ts';
import { shrinkEdit } from './shrinkEdit.ts';
import { soundenEdit } from './soundenEdit.ts';

export type SearchContext = GrowContext;

export interface Searched {
  /** Empty where nothing was found. */
  readonly edit: Edit;
  readonly isReached: boolean;
}

/** An edit that leaves more of the behaviour than this is what search makes of chance: nothing is called found. */
const MOST_LEFT = 0.75;
/** What a smaller edit may lose of the sound answers. */
const SOUND_SLACK = 0.05;
/** How often a search goes on with what is said instead, */
const MOST_RELAPSES = 3;
/** and how often it puts up with twice the harm when nothing else helps. */
const MOST_HALVINGS = 2;

/**
 * Grows on the texts that the unedited model says. Where the model, with the edit on, says in other words what it should not, the
 * search begins anew on what the checks ask for, and goes on with what is said then, and at last with less regard to harm.
 */
export async function searchEdit(options: readonly Option[], context: SearchContext): Promise<Searched> {
  const { trials, onStep } = context;
  let edit = await growEdit(options, context);
  const [left = 1] = await trials.remainingShare(trials.shown, [edit], 'Checking');
  if (left > MOST_LEFT) return { edit: EMPTY_EDIT, isReached: false };
  let said = await remainingWith(edit, context);
  const first = { edit, said };
  const known = new Set<string>();
  let [isAsked, remainingCases, halvings] = [false, 0, 0];
  while (!(await isReached(edit, said, context))) {
    const fresh = (said?.shown ?? []).filter((shown) => !known.has(keyOf(shown)));
    if (said !== null && !isAsked) {
      isAsked = true;
      await beginAnew(edit, options, context);
      edit = EMPTY_EDIT;
    } else if (fresh.length > 0 && remainingCases < MOST_RELAPSES) {
      remainingCases++;
      for (const shown of fresh) known.add(keyOf(shown));
      await trials.alsoRemove(fresh, edit);
      await rankAgain(options, edit, trials);
    } else if (halvings < MOST_HALVINGS) {
      halvings++;
      trials.halveHarmWeight();
    } else {
      const isFirstBetter = edit === EMPTY_EDIT || (first.said?.shown.length ?? Infinity) < (said?.shown.length ?? 0);
      if (isFirstBetter) await reportReturn(edit, first.edit, context);
      return { edit: isFirstBetter ? first.edit : edit, isReached: false };
    }
    const more = await growEdit(options, context, edit);
    if (more === edit) continue;
    edit = more;
    said = await remainingWith(edit, context);
  }
  const soundest = soundShareOf(said);
  const holds = async (smaller: Edit) => {
    const then = await remainingWith(smaller, context);
    return (await isReached(smaller, then, context)) && soundShareOf(then) >= soundest - SOUND_SLACK;
  };
  const small = await shrinkEdit(edit, { trials, holds, onStep });
  const reaches = async (other: Edit) => {
    const then = await remainingWith(other, context);
    return (await isReached(other, then, context)) ? soundShareOf(then) : null;
  };
  return { edit: await soundenEdit(small, { trials, reaches, onStep }), isReached: true };
}

/** Takes the edit out: where it acts on first words only, what comes next would be built on it in vain. */
async function beginAnew(
  edit: Edit,
  options: readonly Option[],
  { trials, onStep }: Pick<SearchContext, 'trials' | 'onStep'>,
): Promise<void> {
  await trials.removeAsked(trials.shown.cases.map(asAsked));
  const [left = 1] = await trials.remainingShare(trials.target, [edit], 'Checking');
  const [harm = 0] = await trials.harmsOf([edit]);
  const before = { remaining: left, harm };
  onStep({ action: 'beginAnew', operations: edit.operations, before, remaining: 1, harm: 0, tried: 1, runnersUp: [] });
  await rankAgain(options, EMPTY_EDIT, trials);
}

/** The steps end at the edit that is proposed. */
async function reportReturn(from: Edit, to: Edit, { trials, onStep }: SearchContext): Promise<void> {
  const effectOf = async (edit: Edit) => {
    const [left = 1] = await trials.remainingShare(trials.target, [edit], 'Checking');
    const [harm = 0] = await trials.harmsOf([edit]);
    return { remaining: left, harm };
  };
  const [before, nothing, after] = [await effectOf(from), await effectOf(EMPTY_EDIT), await effectOf(to)];
  if (from.operations.length > 0) {
    onStep({ action: 'beginAnew', operations: from.operations, before, ...nothing, tried: 1, runnersUp: [] });
  }
  onStep({ action: 'add', operations: to.operations, before: nothing, ...after, tried: 1, runnersUp: [] });
}

/** 1 where nothing says what is sound: there, no edit is better than another. */
function soundShareOf(said: Said | null): number {
  return said?.sound && said.sound.of > 0 ? said.sound.count / said.sound.of : 1;
}

async function remainingWith(edit: Edit, { remainingCases }: SearchContext): Promise<Said | null> {
  return remainingCases === null ? null : remainingCases.with(edit);
}

/** Where there is text, what is said decides, however likely other texts still are. */
async function isReached(edit: Edit, said: Said | null, { trials, settings }: SearchContext): Promise<boolean> {
  if (said === null) return trials.isReached(await trials.scores(trials.target, edit));
  return said.shown.length <= settings.goalShown * trials.shown.cases.length;
}

function keyOf({ said }: ShownCase): string {
  return said.ids.join();
}
