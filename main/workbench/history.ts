// What can be asked of the project's change log: its steps, and to undo and redo them.
import type { Procedures } from './call.ts';

export const history: Procedures<'history'> = {
  list: ({ project }, { limit, before }) => project.steps(limit, before),
  next: ({ project }, _, { author }) => project.nextSteps(author().author),
  undo: ({ project }, _, { author }) => project.undo(author().author),
  redo: ({ project }, _, { author }) => project.redo(author().author),
};
