// Exports: patched models as artifacts, each with its manifest and its equivalence report.
import * as v from 'valibot';
import { locationSchema, nameSchema } from '../fields.ts';
import { command, nothing, query } from '../procedure.ts';
import { operationSchema } from './edit.ts';
import { jobSchema } from './job.ts';

const exported = v.object({
  name: v.string(),
  id: v.string(),
  created: v.string(),
  form: v.picklist(['embedded', 'referenced']),
  edit: v.string(),
  operations: v.array(operationSchema),
  /** One for each operation. */
  exactness: v.array(v.object({ badge: v.picklist(['exact', 'calibrated', 'approximate']), reason: v.string() })),
  provenance: v.record(v.string(), v.union([v.string(), v.number(), v.boolean(), v.null()])),
  files: v.array(v.object({ path: v.string(), bytes: v.number(), sha256: v.string(), storage: v.string() })),
  folder: v.string(),
});

export const export_ = {
  list: query({ summary: 'The exports of the project', input: nothing, output: v.array(exported) }),
  /** The job's output holds the equivalence report. */
  start: command({
    summary: 'Export a version: a job',
    input: v.strictObject({
      name: nameSchema,
      version: v.pipe(v.string(), v.minLength(1), v.maxLength(200)),
      form: v.picklist(['embedded', 'referenced']),
      /** What to compare on: a store, or a corpus; what the dictionary's training held out when left out. */
      text: v.exactOptional(
        v.variant('from', [
          v.strictObject({ from: v.literal('store'), store: nameSchema }),
          v.strictObject({ from: v.literal('location'), location: locationSchema }),
        ]),
      ),
    }),
    output: jobSchema,
  }),
  verify: command({
    summary: 'Check an export from its files alone: a job',
    input: v.strictObject({ name: nameSchema }),
    output: jobSchema,
  }),
};
