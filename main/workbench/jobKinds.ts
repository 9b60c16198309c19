// The kinds of jobs: how each is described, what it is called, and how it is done. A description is JSON that says
// everything, so that a job can be done by another process than the one that was asked, after a restart for one.
import * as v from 'valibot';
import { validate } from '../contract/base/validate.ts';
import { TrainingConfigSchema } from '../core/dictionaries/trainingConfig.ts';
import { parseEdit } from '../core/edits/edit.ts';
import { EXPORT_FORMS } from '../core/export/ladder.ts';
import type { JobContext } from '../jobs/runJob.ts';
import { BISECT_JOB, bisectByBehaviour, bisectRequestSchema } from './bisection.ts';
import { CAPTURE_JOB, captureRequestSchema, runCapture } from './activations.ts';
import { continueTraining, evaluateDictionary, findDictionary, runTraining, TRAIN_JOB } from './dictionaries.ts';
import {
  BEHAVIOUR_JOB,
  behaviourRequestSchema,
  evaluatedName,
  EVALUATION_JOB,
  evaluationRequestSchema,
  runEvaluation,
  runStoredBehaviour,
} from './evaluationJobs.ts';
import { EXPORT_JOB, runExport } from './exports.ts';
import { runStatistics, STATISTICS_JOB, statisticsRequestSchema } from './features.ts';
import { FIND_JOB, findRequestSchema, runFind } from './finder.ts';
import { existingFolder } from './projectFolder.ts';
import type { Workbench } from './workbench.ts';

export interface JobKind {
  /** What it is called in a list, and the name of what it makes or works on. */
  describe(description: unknown): { readonly title: string; readonly subject: string };
  run(workbench: Workbench, description: unknown, context: JobContext): Promise<unknown>;
  readonly canPause: boolean;
}

interface Definition<Schema extends v.GenericSchema> {
  readonly description: Schema;
  readonly title: (description: v.InferOutput<Schema>) => string;
  readonly subject: (description: v.InferOutput<Schema>) => string;
  readonly run: (workbench: Workbench, description: v.InferOutput<Schema>, context: JobContext) => Promise<unknown>;
  /** Whether it leaves a checkpoint when it is stopped. */
  readonly canPause: boolean;
}

function define<const Schema extends v.GenericSchema>(definition: Definition<Schema>): JobKind {
  return {
    canPause: definition.canPause,
    describe: (description) => {
      const parsed = v.safeParse(definition.description, description);
      // A project may hold jobs that a newer or older program described.
      if (!parsed.success) return { title: 'A job of another version', subject: '' };
      return { title: definition.title(parsed.output), subject: definition.subject(parsed.output) };
    },
    run: (workbench, description, context) =>
      definition.run(workbench, validate(definition.description, description, 'The job', 'invalid-file'), context),
  };
}

const name = v.string();
const { entries: settings } = TrainingConfigSchema;
const fraction = v.exactOptional(v.number());

const trainSchema = v.object({
  name,
  activations: v.string(),
  architecture: settings.architecture,
  size: settings.size,
  k: settings.k,
  batchSize: settings.batchSize,
  steps: settings.steps,
  learningRate: v.exactOptional(settings.learningRate),
  warmupSteps: v.exactOptional(settings.warmupSteps),
  decayFraction: v.exactOptional(settings.decayFraction),
  deadAfterTokens: v.exactOptional(settings.deadAfterTokens),
  auxK: v.exactOptional(settings.auxK),
  seed: v.exactOptional(settings.seed),
  heldOutFraction: fraction,
});

const exportSchema = v.object({
  /** Operations, as in an edit's file. */
  edit: v.unknown(),
  target: v.string(),
  calibrate: v.exactOptional(v.boolean()),
  form: v.picklist(EXPORT_FORMS),
  python: v.exactOptional(v.boolean()),
  text: v.exactOptional(v.union([v.object({ store: v.string() }), v.object({ corpus: v.string() })])),
  provenance: v.record(v.string(), v.union([v.string(), v.number(), v.boolean(), v.null()])),
});

export const JOB_KINDS: Readonly<Record<string, JobKind>> = {
  [CAPTURE_JOB]: define({
    description: captureRequestSchema,
    title: ({ name: store }) => `Capture ${store}`,
    subject: ({ name: store }) => store,
    run: runCapture,
    canPause: true,
  }),
  [TRAIN_JOB]: define({
    description: v.union([trainSchema, v.object({ name })]),
    title: ({ name: run }) => `Train ${run}`,
    subject: ({ name: run }) => run,
    run: async (workbench, description, context) => {
      const isThere = await findDictionary(workbench, description.name).then(
        () => true,
        () => false,
      );
      return isThere || !('activations' in description)
        ? continueTraining(workbench, description.name, context)
        : runTraining(workbench, description, context);
    },
    canPause: true,
  }),
  evaluate: define({
    description: v.object({ name, activations: v.exactOptional(v.string()), heldOutFraction: fraction }),
    title: ({ name: dictionary }) => `Measure ${dictionary}`,
    subject: ({ name: dictionary }) => dictionary,
    run: (workbench, description, context) => evaluateDictionary(workbench, description, context.signal, context),
    canPause: false,
  }),
  [STATISTICS_JOB]: define({
    description: statisticsRequestSchema,
    title: ({ dictionary }) => `Statistics of ${dictionary}`,
    subject: ({ dictionary }) => dictionary,
    run: runStatistics,
    canPause: true,
  }),
  [FIND_JOB]: define({
    description: findRequestSchema,
    title: ({ name: finding }) => `Find ${finding}`,
    subject: ({ name: finding }) => finding,
    run: runFind,
    canPause: false,
  }),
  [EVALUATION_JOB]: define({
    description: evaluationRequestSchema,
    title: (description) => `Evaluate ${evaluatedName(description)}`,
    subject: evaluatedName,
    run: runEvaluation,
    canPause: false,
  }),
  [BEHAVIOUR_JOB]: define({
    description: behaviourRequestSchema,
    title: ({ name: behaviour }) => `Run ${behaviour}`,
    subject: ({ name: behaviour }) => behaviour,
    run: runStoredBehaviour,
    canPause: false,
  }),
  [EXPORT_JOB]: define({
    description: v.union([exportSchema, v.object({ edit: v.string(), folder: v.string() })]),
    title: (description) => `Export ${'target' in description ? description.target : description.folder}`,
    subject: (description) => ('target' in description ? description.target : description.folder),
    run: (workbench, description, context) => {
      const { edit, ...request } = validate(exportSchema, description, 'The job', 'invalid-file');
      return runExport(workbench, { ...request, edit: parseEdit(edit) }, context);
    },
    canPause: false,
  }),
  [BISECT_JOB]: define({
    description: bisectRequestSchema,
    title: ({ name: behaviour }) => `Bisect by ${behaviour}`,
    subject: ({ name: behaviour }) => behaviour,
    run: bisectByBehaviour,
    canPause: true,
  }),
  verify: define({
    description: v.object({ name }),
    title: ({ name: artifact }) => `Verify ${artifact}`,
    subject: ({ name: artifact }) => artifact,
    run: async ({ project, compute }, { name: artifact }, context) => {
      const folder = await existingFolder(project.folder, 'exports', artifact, 'manifest.json');
      return compute('export.verify', { folder }, context);
    },
    canPause: false,
  }),
};
