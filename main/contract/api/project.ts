// The open project. A host has at most one open; every window shows it.
import * as v from 'valibot';
import { CHANGING } from '../base/changing.ts';
import { locationSchema, nameSchema } from '../base/fields.ts';
import { command, nothing, query } from '../rpc/procedure.ts';

export const projectSchema = v.object({
  name: v.string(),
  /** For people to read. */
  folder: v.string(),
  /** It was opened from the sample that comes with the program. */
  isSample: v.boolean(),
  counts: v.object({
    models: v.number(),
    activations: v.number(),
    /** Runs that have not finished included. */
    dictionaries: v.number(),
    labels: v.number(),
    behaviours: v.number(),
    versions: v.number(),
    exports: v.number(),
  }),
  /** What went wrong on opening without stopping it, and who else has the project open. */
  notices: v.array(v.string()),
});

const backup = v.object({ file: v.string(), time: v.string(), reason: v.string(), bytes: v.number() });

export const project = {
  current: query({
    summary: 'The open project, if any',
    shows: ['project'],
    input: nothing,
    output: v.nullable(projectSchema),
  }),
  recent: query({
    summary: 'Projects that were open before, the last first',
    shows: ['recent', 'project'],
    input: nothing,
    output: v.array(
      v.object({
        location: locationSchema,
        name: v.string(),
        folder: v.string(),
        opened: v.string(),
        /** False: it is not there any more. */
        isThere: v.boolean(),
      }),
    ),
  }),
  forget: command({
    summary: 'Take a project off the list of recent ones; its files stay',
    changes: ['recent'],
    input: v.strictObject({ location: locationSchema }),
    output: nothing,
  }),
  create: command({
    summary: 'Make a project and open it',
    changes: CHANGING,
    /** `parent`: the folder in which the project's folder is made; the data folder when left out. */
    input: v.strictObject({ name: nameSchema, parent: v.exactOptional(locationSchema) }),
    output: projectSchema,
  }),
  /** Fails with `not-found`, `unsupported` (a newer program made it), `invalid-file` (damaged), `locked`, `permission`. */
  open: command({
    summary: 'Open a project',
    changes: CHANGING,
    input: v.strictObject({ location: locationSchema }),
    output: projectSchema,
  }),
  /** The first time it is copied into the data folder; later the copy is opened again as it was left. */
  openSample: command({ summary: 'Open the sample project', changes: CHANGING, input: nothing, output: projectSchema }),
  /** Jobs are paused; they can be resumed when it is opened again. */
  close: command({ summary: 'Close the project', changes: CHANGING, input: nothing, output: nothing }),
  check: query({
    summary: 'Check the database, and list its backups',
    shows: ['project'],
    input: nothing,
    output: v.object({ problems: v.array(v.string()), backups: v.array(backup) }),
  }),
  backup: command({
    summary: 'Copy the database into the backups folder',
    changes: ['project'],
    input: nothing,
    output: backup,
  }),
};
