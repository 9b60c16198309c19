// The kinds of data that change while somebody looks at them. A query says which of them it shows; a command, a stream and a
// kind of job say which of them they change. What a window has asked for is asked again when the two meet.

export const CHANGING = [
  'project', // its facts and counts, its corpora, its backups
  'models',
  'hub', // the cache of the Hub
  'activations',
  'dictionaries',
  'features', // statistics
  'labels',
  'lists',
  'edits', // the working edit, versions, branches, tags, the bisection
  'behaviours', // and what running them gave
  'evaluations',
  'findings',
  'exports',
  'serving', // a version, to other programs
  'history', // steps, for undo
  'recent', // projects that were open before
] as const;
export type Changing = (typeof CHANGING)[number];
