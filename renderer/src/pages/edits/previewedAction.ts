export const PREVIEWED_ACTIONS = ['merge', 'cherryPick', 'revert', 'rollBack'] as const;
export type PreviewedAction = (typeof PREVIEWED_ACTIONS)[number];

/** Whose operation stays where both sides changed one feature differently; `none`: neither's. */
export type Side = 'ours' | 'theirs' | 'none';
