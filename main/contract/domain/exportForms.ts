// What is said of the form of an export: its words for people, and how exact an edit is in it. Which forms there are, and
// everything else about each, is the table in core/export/forms; a page learns of them from the host, so that a form is added there.
import * as v from 'valibot';

/** How exact an operation is, from the best to the worst, in a sentence each. */
export const BADGES = {
  exact: 'It computes what the edit’s definition says, up to rounding in float32.',
  calibrated: 'Topk features fire above thresholds of their own instead of in competition.',
  approximate: 'It is compiled so that it differs from the edit; by how much is measured and reported.',
} as const;
export type Badge = keyof typeof BADGES;

export const badgeSchema = v.picklist(['exact', 'calibrated', 'approximate'] satisfies Badge[]);
export const exactnessSchema = v.object({ badge: badgeSchema, reason: v.string() });

/** The worst of several; exact for none. */
export function worstBadge(badges: readonly Badge[]): Badge {
  return badgeSchema.options.findLast((badge) => badges.includes(badge)) ?? 'exact';
}

/** The name of a form, as commands and manifests have it. */
export const exportFormName = v.pipe(v.string(), v.regex(/^[a-z][a-z0-9]*$/iu), v.maxLength(40));

const wordEntries = {
  title: v.string(),
  /** What is in the folder, and what runs it. */
  description: v.string(),
  /** Which edits it can carry, and where they stay exact. */
  carries: v.string(),
};
export type ExportFormWords = v.InferOutput<v.ObjectSchema<typeof wordEntries, undefined>>;

export const exportFormSchema = v.object({ name: exportFormName, ...wordEntries });

/** A form for one edit. */
export const rungSchema = v.object({
  form: exportFormName,
  ...wordEntries,
  /** Features that compete may get thresholds instead: not exact, and smaller. */
  calibrates: v.boolean(),
  /** What the machine's Python must have to check it. */
  pythonNeeds: v.string(),
  /** False: the edit cannot be exported in this form, and `reason` says why. */
  applies: v.boolean(),
  /** Of the edit as a whole; null where the form does not apply. */
  badge: v.nullable(badgeSchema),
  reason: v.string(),
});
