// What a change makes of a label; what a label is stands in contract/domain/label.ts.
import * as v from 'valibot';
import { AppError, type ErrorCode } from '../../contract/base/errors.ts';
import { validate } from '../../contract/base/validate.ts';
import {
  labelFields,
  UNLABELLED,
  type Comment,
  type FeatureKey,
  type LabelContent,
  type LabelPatch,
  type LabelState,
} from '../../contract/domain/label.ts';

/** @throws AppError(code) naming the first field that is wrong. */
export function parseLabelPatch(value: unknown, subject = 'The label', code: ErrorCode = 'usage'): LabelPatch {
  return validate(v.strictObject(labelFields), value, subject, code);
}

/**
 * The label after `patch`. A text given without a state makes the feature labelled; a text taken away, or the state
 * `unlabelled`, makes it unlabelled: text and confidence go, notes and tags stay.
 * @throws AppError(code) for `labelled` without a text, or `unlabelled` together with a text or a confidence.
 */
export function applyPatch(
  before: LabelContent,
  patch: LabelPatch,
  subject = 'The label',
  code: ErrorCode = 'usage',
): LabelContent {
  const text = patch.text ?? (patch.state === 'unlabelled' ? '' : before.text);
  const state = patch.state ?? impliedState(before.state, text, patch.text !== undefined);
  const confidence =
    patch.confidence !== undefined ? patch.confidence : state === 'unlabelled' ? null : before.confidence;
  if (state === 'labelled' && text === '') throw new AppError(code, `${subject}: a labelled feature has a text.`);
  if (state === 'unlabelled' && (text !== '' || confidence !== null)) {
    throw new AppError(code, `${subject}: an unlabelled feature has neither text nor confidence.`);
  }
  return { state, text, notes: patch.notes ?? before.notes, tags: patch.tags ?? before.tags, confidence };
}

function impliedState(state: LabelState, text: string, textGiven: boolean): LabelState {
  if (!textGiven) return state;
  if (text === '') return state === 'labelled' ? 'unlabelled' : state;
  return state === 'unlabelled' || state === 'uninterpretable' ? 'labelled' : state;
}

export function sameContent(a: LabelContent, b: LabelContent): boolean {
  return (
    a.state === b.state &&
    a.text === b.text &&
    a.notes === b.notes &&
    a.confidence === b.confidence &&
    a.tags.join('\n') === b.tags.join('\n')
  );
}

/** Nothing is said about the feature: the same as having no label at all. */
export function saysNothing(content: LabelContent): boolean {
  return sameContent(content, UNLABELLED);
}

export function featureKey(key: FeatureKey): string {
  return `${key.dictionary} ${key.feature}`;
}

export function commentKey(comment: Comment): string {
  return `${comment.time} ${comment.author}\n${comment.body}`;
}
