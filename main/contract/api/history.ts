// What people did, and undo over all of it: labels, lists, edits, behaviours, bulk changes included. Undo takes back one's
// own last step and leaves alone what others changed since (`skipped`). `empty`: there is nothing to undo.
import * as v from 'valibot';
import { command, nothing, query } from '../rpc/procedure.ts';

export const stepSchema = v.object({
  id: v.number(),
  kind: v.picklist(['do', 'undo', 'redo']),
  /** The step that an undo or redo is about. */
  target: v.nullable(v.number()),
  status: v.picklist(['done', 'undone', 'dropped']),
  /** 'Label feature 12' */
  title: v.string(),
  author: v.string(),
  time: v.string(),
  reason: v.string(),
});

const report = v.object({
  step: stepSchema,
  changed: v.number(),
  skipped: v.array(v.object({ kind: v.string(), key: v.string() })),
});

export const history = {
  list: query({
    summary: 'Steps, the newest first',
    shows: ['history'],
    input: v.strictObject({
      limit: v.exactOptional(v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(1000))),
      before: v.exactOptional(v.pipe(v.number(), v.integer())),
    }),
    output: v.array(stepSchema),
  }),
  /** For the menu: what undo and redo would be about; null where there is nothing. */
  next: query({
    summary: 'What undo and redo would change',
    shows: ['history'],
    input: nothing,
    output: v.object({ undo: v.nullable(stepSchema), redo: v.nullable(stepSchema) }),
  }),
  undo: command({
    summary: 'Undo what you did last',
    changes: ['labels', 'lists', 'edits', 'behaviours', 'history', 'project'],
    input: nothing,
    output: report,
  }),
  redo: command({
    summary: 'Do again what you undid last',
    changes: ['labels', 'lists', 'edits', 'behaviours', 'history', 'project'],
    input: nothing,
    output: report,
  }),
};
