// Evaluations of versions and of the working edit: stored reports, new ones as jobs, two side by side, forecasts and how good
// they were.
import * as v from 'valibot';
import { forecastCheckEntries, forecastSchema } from '../domain/forecast.ts';
import { hashSchema, nameSchema, refSchema } from '../base/fields.ts';
import { budgetSchema } from '../domain/budgetSettings.ts';
import { evaluationRequestSettings } from '../domain/evaluationSettings.ts';
import { command, nothing, query } from '../rpc/procedure.ts';
import { corpusSchema } from './activations.ts';
import { reportSchema, suiteRoleSchema } from '../domain/evaluationReport.ts';
import { reportComparisonSchema } from '../domain/reportComparison.ts';
import { estimateSchema } from '../domain/estimate.ts';
import { jobSchema } from '../domain/job.ts';

/** A version by id, digits of it, branch or tag; or `working`: the working edit. */
const editRef = v.pipe(v.string(), v.minLength(1), v.maxLength(200));
/** The id of an evaluation, or four or more digits of it. */
const ref = refSchema;

const summary = {
  id: v.string(),
  /** Null: of an edit that was not committed. */
  version: v.nullable(v.string()),
  edit: v.string(),
  model: v.string(),
  /** Whether it stays within its budget; null: it was made without one. */
  passes: v.nullable(v.boolean()),
  author: v.string(),
  time: v.string(),
  /** First line of the version's message; empty without one. */
  message: v.string(),
};

const requestEntries = {
  of: editRef,
  /** Names; all of the project when left out. */
  behaviours: v.exactOptional(v.pipe(v.array(v.string()), v.maxLength(1000))),
  /** Those that the edit is for; when left out, those it must satisfy (all whose aim is not to be kept, where it names none). */
  targets: v.exactOptional(v.pipe(v.array(v.string()), v.maxLength(1000))),
  /** `training`: what the dictionary's training held out. When left out, held-out text of the project without the targets. */
  text: v.exactOptional(
    v.variant('from', [
      v.strictObject({ from: v.literal('activations'), name: nameSchema }),
      v.strictObject({ from: v.literal('corpus'), corpus: corpusSchema }),
      v.strictObject({ from: v.literal('training') }),
    ]),
  ),
  settings: v.exactOptional(evaluationRequestSettings),
};

export const evaluation = {
  list: query({
    summary: 'Stored evaluations, the newest first',
    shows: ['evaluations', 'edits'],
    input: v.strictObject({ version: v.exactOptional(editRef) }),
    output: v.array(
      v.object({
        ...summary,
        suites: v.array(
          v.object({ name: v.string(), role: suiteRoleSchema, before: estimateSchema, after: estimateSchema }),
        ),
        /** Growth of the cross-entropy on held-out text, as a share; null without text. */
        increase: v.nullable(v.number()),
        /** Features that changed how often they fire; null where that was not measured. */
        moved: v.nullable(v.number()),
      }),
    ),
  }),
  show: query({
    summary: 'The report of an evaluation',
    shows: ['evaluations', 'labels', 'dictionaries'],
    input: v.strictObject({ ref }),
    output: v.object({
      ...summary,
      report: reportSchema,
      /** Labels of the features that the report names, as they read now. */
      labels: v.array(v.object({ dictionary: v.string(), feature: v.number(), text: v.string() })),
      /** Names of the dictionaries, by hash; those that the project lacks are left out. */
      dictionaries: v.record(v.string(), v.string()),
    }),
  }),
  defaults: query({
    summary: 'Targets, held-out text and budget of an evaluation where nothing is said',
    shows: ['edits', 'behaviours', 'project'],
    input: v.strictObject({ of: editRef }),
    output: v.object({
      budget: budgetSchema,
      /** Names of behaviours. */
      targets: v.array(v.string()),
      /** A corpus of the project by name; null: what the dictionary's training held out. */
      text: v.nullable(v.string()),
    }),
  }),
  plan: query({
    summary: 'What an evaluation would run, and how long it will probably take',
    shows: ['edits', 'behaviours', 'activations', 'features'],
    input: v.strictObject(requestEntries),
    output: v.object({
      operations: v.number(),
      suites: v.array(v.object({ name: v.string(), role: suiteRoleSchema, cases: v.number() })),
      /** Texts to be read or continued. */
      texts: v.number(),
      seconds: v.nullable(v.number()),
      /** What the time is predicted from: an earlier evaluation, or the device's speed. */
      basis: v.nullable(v.picklist(['evaluations', 'device'])),
      /** Features have statistics, so that there will be a forecast to check. */
      hasForecast: v.boolean(),
      warnings: v.array(v.string()),
    }),
  }),
  start: command({
    summary: 'Evaluate a version or the working edit: a job; its output holds the id of the evaluation',
    changes: [],
    /** `budget` null: no verdict. */
    input: v.strictObject({ ...requestEntries, budget: v.nullable(budgetSchema) }),
    output: jobSchema,
  }),
  compare: query({
    summary: 'Two evaluations side by side, paired where they ran the same cases or read the same text',
    shows: ['evaluations'],
    input: v.strictObject({ one: ref, other: ref }),
    output: v.object({
      one: v.object(summary),
      other: v.object(summary),
      ...reportComparisonSchema.entries,
    }),
  }),
  forecast: query({
    summary: 'What an edit will probably move, from its dictionary and statistics alone',
    shows: ['edits', 'features', 'labels', 'dictionaries'],
    input: v.strictObject({ of: editRef }),
    output: v.object({
      places: v.array(forecastSchema),
      labels: v.array(v.object({ dictionary: hashSchema, feature: v.number(), text: v.string() })),
      dictionaries: v.record(v.string(), v.string()),
    }),
  }),
  calibration: query({
    summary: 'How good the forecasts of earlier evaluations were',
    shows: ['evaluations'],
    input: nothing,
    output: v.object({
      records: v.array(
        v.object({
          evaluation: v.string(),
          edit: v.string(),
          time: v.string(),
          site: v.string(),
          dictionary: v.string(),
          ...forecastCheckEntries,
        }),
      ),
      /** Over the records; null for fewer than two. */
      means: forecastCheckEntries.correlations,
    }),
  }),
};
