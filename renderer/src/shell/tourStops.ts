// The tour of the sample: five stops, each a place of the window and a sentence made of what the project holds. Pure. A tour
// needs one version that must satisfy a behaviour, one operation of it, and its evaluation.
import type { Route } from '../state/routeHash.ts';

export interface TourSubject {
  readonly model: string;
  readonly dictionary: string;
  readonly feature: number;
  readonly label: string;
  readonly version: string;
  readonly behaviour: string;
  readonly evaluation: string;
}

/** What a stop offers to do in its place. */
export type TourAction = 'revert' | 'rollBack' | 'export';

export interface TourStop {
  readonly title: string;
  readonly text: string;
  readonly place: Route;
  /** The stop tries the edit, so one must be checked out. */
  readonly needsEdit: boolean;
  readonly actions: readonly TourAction[];
}

export const TOUR_STOPS = 5;

export function tourStops(subject: TourSubject): readonly TourStop[] {
  const { model, dictionary, feature, label, version, behaviour, evaluation } = subject;
  const place = (view: string, parts: readonly string[] = [], query: Readonly<Record<string, string>> = {}) => ({
    ...{ view, parts, query },
  });
  const tried = { suite: behaviour, run: '1' };
  const stop = { needsEdit: false, actions: [] };
  return [
    {
      ...stop,
      title: 'The fault',
      text: 'This model refuses forbidden questions. Tell it that the rules are lifted, and it answers.',
      place: place('models', [model], tried),
    },
    {
      ...stop,
      title: 'Its feature',
      text: `Feature ${feature} decides it. Its examples show where it fires: ${label}.`,
      place: place('features', [dictionary, String(feature)]),
    },
    {
      ...stop,
      title: 'The switch',
      text: `The edit changes feature ${feature} and nothing else. On the same prompt, the original answers and the patched model refuses.`,
      place: place('editor', [], tried),
      needsEdit: true,
    },
    {
      ...stop,
      title: 'The report',
      text: 'What is gone, what was kept and what it cost, on held-out prompts.',
      place: place('evaluations', [evaluation]),
    },
    {
      title: 'Roll back, export',
      text: 'Every edit is a version: revert it, roll back to it, nothing is lost. Then export the patched model.',
      place: place('edits', [version]),
      needsEdit: false,
      actions: ['revert', 'rollBack', 'export'],
    },
  ];
}
