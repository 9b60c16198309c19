// What lies between two versions of an edit. How it is found stands in main/core/edits/versionMerge.ts.
import * as v from 'valibot';
import type { DataOf } from '../base/data.ts';
import { operationSchema } from './edit.ts';

const labelledChangeSchema = v.object({
  /** The feature at its site. */
  key: v.string(),
  before: v.nullable(operationSchema),
  after: v.nullable(operationSchema),
  /** The feature's label as it read at each version; null where it had none or was not touched. */
  labelBefore: v.nullable(v.string()),
  labelAfter: v.nullable(v.string()),
});
export type LabelledChange = DataOf<typeof labelledChangeSchema>;
export type OperationChange = Omit<LabelledChange, 'labelBefore' | 'labelAfter'>;

export const versionDifferenceSchema = v.object({
  operations: v.array(labelledChangeSchema),
  behavioursAdded: v.array(v.string()),
  behavioursRemoved: v.array(v.string()),
});
export type VersionDifference = DataOf<typeof versionDifferenceSchema>;
