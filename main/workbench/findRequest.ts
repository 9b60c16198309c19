// What a search is asked for, as it is stored with its job and its finding.
import * as v from 'valibot';
import { findRequestSettings } from '../contract/domain/findSettings.ts';
import { promptListsSchema } from '../core/finder/promptLists.ts';

const behavioursRequest = v.object({
  target: v.string(),
  keep: v.exactOptional(v.array(v.string())),
});
const promptsRequest = v.object({ lists: promptListsSchema });

export const findRequestSchema = v.object({
  /** What the result is called in the project. */
  name: v.string(),
  /** A stored behaviour by name, with those to be kept (by default all stored ones whose aim is that); or prompts. */
  behaviours: v.lazy((value) =>
    typeof value === 'object' && value !== null && 'lists' in value ? promptsRequest : behavioursRequest,
  ),
  /** Names of the dictionaries to look in, all of one model. */
  dictionaries: v.array(v.string()),
  /** A corpus without the behaviour in it that must stay as likely; other text than the evaluation's. */
  corpus: v.exactOptional(v.string()),
  settings: v.exactOptional(findRequestSettings),
});
export type FindRequest = v.InferInput<typeof findRequestSchema>;
