// Exports: patched models as artifacts, each with its manifest and its equivalence report.
import * as v from 'valibot';
import { locationSchema, nameSchema } from '../base/fields.ts';
import { operationSchema } from '../domain/edit.ts';
import { equivalenceReportSchema } from '../domain/equivalence.ts';
import { exactnessSchema, exportFormName, exportFormSchema, rungSchema } from '../domain/exportForms.ts';
import { command, nothing, query } from '../rpc/procedure.ts';
import { jobSchema } from '../domain/job.ts';

const versionRef = v.pipe(v.string(), v.minLength(1), v.maxLength(200));

const file = v.object({
  path: v.string(),
  bytes: v.number(),
  sha256: v.string(),
  /** 'link': the same bytes on the disk as the original weights. */
  storage: v.picklist(['own', 'copy', 'link']),
});

const provenance = v.record(v.string(), v.union([v.string(), v.number(), v.boolean(), v.null()]));

const artifactSchema = v.object({
  id: v.string(),
  created: v.string(),
  tool: v.string(),
  form: exportFormSchema,
  model: v.object({ hash: v.string(), type: v.string() }),
  dictionaries: v.array(v.object({ hash: v.string(), architecture: v.string(), site: v.string() })),
  edit: v.string(),
  operations: v.array(operationSchema),
  /** One for each operation. */
  exactness: v.array(exactnessSchema),
  provenance,
  files: v.array(file),
  report: equivalenceReportSchema,
});

const exported = v.object({
  name: v.string(),
  folder: v.string(),
  /** Null: it was changed after the export, or is no artifact of this version; `problem` says what. */
  artifact: v.nullable(artifactSchema),
  problem: v.nullable(v.string()),
});

const trashed = v.object({ id: v.string(), name: v.string(), time: v.string() });

export const export_ = {
  list: query({ summary: 'The exports of the project', shows: ['exports'], input: nothing, output: v.array(exported) }),
  show: query({
    summary: 'One export, and the code that loads it',
    shows: ['exports'],
    input: v.strictObject({ name: nameSchema }),
    output: v.object({
      ...exported.entries,
      code: v.array(v.object({ title: v.string(), language: v.picklist(['python', 'js']), code: v.string() })),
    }),
  }),
  plan: query({
    summary: 'Which forms can carry a version, which of them are exact, and why the others are not or cannot',
    shows: ['edits', 'dictionaries', 'models'],
    input: v.strictObject({ version: versionRef }),
    output: v.object({
      rungs: v.array(rungSchema),
      /** The first that is exact. */
      default: exportFormName,
    }),
  }),
  /** The job's output holds the equivalence report. */
  start: command({
    summary: 'Export a version: a job',
    changes: [],
    input: v.strictObject({
      name: nameSchema,
      version: versionRef,
      form: exportFormName,
      /** Thresholds of topk features in place of their competition: not exact; each badge says how often they differ. */
      calibrate: v.exactOptional(v.boolean()),
      /** What to compare on: a store, or a corpus; what the dictionary's training held out when left out. */
      text: v.exactOptional(
        v.variant('from', [
          v.strictObject({ from: v.literal('store'), store: nameSchema }),
          v.strictObject({ from: v.literal('location'), location: locationSchema }),
        ]),
      ),
      /** Also load it with the Python of this machine, where that has what it takes. */
      python: v.exactOptional(v.boolean()),
    }),
    output: jobSchema,
  }),
  verify: command({
    summary: 'Check an export from its files alone: a job',
    changes: [],
    input: v.strictObject({ name: nameSchema }),
    output: jobSchema,
  }),
  trash: query({
    summary: 'Exports that were deleted and can be restored',
    shows: ['exports'],
    input: nothing,
    output: v.array(trashed),
  }),
  remove: command({
    summary: 'Move an export to the trash',
    changes: ['exports', 'project'],
    input: v.strictObject({ name: nameSchema }),
    output: trashed,
  }),
  restore: command({
    summary: 'Bring back an export that was deleted, under its name or another',
    changes: ['exports', 'project'],
    input: v.strictObject({ id: v.pipe(v.string(), v.maxLength(200)), name: v.exactOptional(nameSchema) }),
    output: v.object({ name: v.string() }),
  }),
};
