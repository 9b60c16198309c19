// What can be done in the view of features from the keyboard; the keys of labelling are those of the label queue.
import type { LabelPatch } from '../../api/types.ts';
import type { Command } from '../../state/commands/registry.svelte.ts';
import type { Pane } from './browsing.svelte.ts';

export interface FeatureActions {
  readonly move: (step: number) => void;
  readonly skip: () => void;
  readonly label: () => void;
  readonly tags: () => void;
  readonly save: (patch: LabelPatch) => void;
  readonly confidence: (value: number) => void;
  readonly search: () => void;
  readonly queue: () => void;
  readonly show: (pane: Pane) => void;
  readonly test: () => void;
  /** Shows this feature next to the others; or no other any more. */
  readonly pin: () => void;
  readonly carry: () => void;
  readonly undo: () => void;
}

/** A button that has the focus would keep Enter for itself, and the labels of a queue are opened with it: what goes on to another
 *  feature leaves the button it may have been pressed with. */
function leaveButton(): void {
  const button = document.activeElement?.closest('button, a[href], summary');
  button?.closest('main')?.focus({ preventScroll: true });
}

export function featureCommands(act: FeatureActions): readonly Command[] {
  const section = 'Features';
  const command = (id: string, title: string, keys: readonly string[], run: () => void): Command => ({
    id: `features.${id}`,
    title,
    section,
    keys,
    run,
  });
  const going = (run: () => void) => () => {
    leaveButton();
    run();
  };
  return [
    command(
      'next',
      'Next feature',
      ['j'],
      going(() => act.move(1)),
    ),
    command(
      'previous',
      'Previous feature',
      ['k'],
      going(() => act.move(-1)),
    ),
    command('skip', 'Skip: it comes again at the end of the queue', ['s'], going(act.skip)),
    command('label', 'Label', ['Enter', 'l'], act.label),
    command('tags', 'Tags', ['t'], act.tags),
    command('uninterpretable', 'Mark as uninterpretable', ['x'], () => act.save({ state: 'uninterpretable' })),
    { ...command('undo', 'Undo', ['u'], act.undo), isKeyOnly: true },
    command('search', 'Search features', ['/'], act.search),
    command('queue', 'Label queue', ['q'], going(act.queue)),
    command('list', 'List of features', ['v l'], () => act.show('list')),
    command('map', 'Map of features', ['v m'], () => act.show('map')),
    command('text', 'Search features by a text', ['v t'], () => act.show('text')),
    command('test', 'Blind test: spot the intruder', ['b'], act.test),
    command('pin', 'Pin this feature next to the others, or close the comparison', ['p'], act.pin),
    command('carry', 'Carry labels over from another dictionary…', [], act.carry),
    ...[1, 2, 3, 4, 5].map((value) => ({
      ...command(`confidence${value}`, `Confidence ${value}`, [String(value)], () => act.confidence(value)),
      isKeyOnly: true,
    })),
  ];
}
