// What a project's folder holds, by name.
export const DATABASE_FILE = 'project.sqlite';
export const PROJECT_FOLDERS = ['models', 'corpora', 'activations', 'dictionaries', 'exports'] as const;
