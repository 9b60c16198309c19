// A model, and an edit of it, for other programs to ask: resolved once, so that what is served does not change under them.
import type { ChunkOf, InputOf, OutputOf } from '../contract/rpc/procedure.ts';
import type { Edit } from '../contract/domain/edit.ts';
import type { Tasks } from '../engine/tasks.ts';
import type { ComputeOptions } from './compute.ts';
import type { ProjectModel } from './models.ts';
import { triedInput } from './playground.ts';
import type { Workbench } from './workbench.ts';

type Task = Tasks['completion.create'];
export type CompletionInput = Omit<InputOf<Task>, 'model' | 'edit' | 'dictionaries' | 'isPatched'>;
export type Completion = OutputOf<Task>;

export interface ServedModel {
  /** What other programs call it. */
  readonly id: string;
  readonly isPatched: boolean;
}

export interface Serving {
  /** The original, and the patched one where there is an edit. */
  readonly models: readonly ServedModel[];
  complete(model: ServedModel, input: CompletionInput, options: ComputeOptions<ChunkOf<Task>>): Promise<Completion>;
}

/** @throws AppError `not-found` for a dictionary that the project lacks, `mismatch` for one of another model. */
export async function openServing(
  workbench: Workbench,
  { model, edit, name }: { readonly model: ProjectModel; readonly edit: Edit; readonly name: string },
): Promise<Serving> {
  const tried = await triedInput(workbench, model, edit.operations);
  const original = { id: model.name, isPatched: false };
  return {
    models: edit.operations.length === 0 ? [original] : [original, { id: `${model.name}@${name}`, isPatched: true }],
    complete: ({ isPatched }, input, options) =>
      workbench.compute('completion.create', { ...tried, ...input, isPatched }, options),
  };
}
