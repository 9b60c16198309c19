// Everything that can be done from the keyboard or the palette, in one place: the palette, the keys, the key sheet and, by
// main/contract/api/commands.ts, the desktop host's menu. A view registers its commands while it is shown.
import { untrack } from 'svelte';
import { tinykeys } from 'tinykeys';

export interface Command {
  /** Stable: 'history.undo'. */
  readonly id: string;
  readonly title: string;
  /** Heading in the palette and on the key sheet. */
  readonly section: string;
  /** As tinykeys writes them: '$mod+K', 'g m'. The first is shown. */
  readonly keys: readonly string[];
  /** Whether the keys also work while a text is being typed. */
  readonly inText?: boolean;
  /** Left out of the palette: moving in a list, say. */
  readonly isKeyOnly?: boolean;
  readonly run: () => void;
}

let groups = $state.raw<readonly (readonly Command[])[]>([]);
const all = $derived(groups.flat());

/** @returns what takes them away again. Of two commands with one key the later registered has it. */
export function register(commands: readonly Command[]): () => void {
  // Registering happens in effects, which must not run again because of it.
  groups = [...untrack(() => groups), commands];
  return () => {
    groups = groups.filter((group) => group !== commands);
  };
}

export const registry = {
  get all(): readonly Command[] {
    return all;
  },
};

export function runCommand(id: string): void {
  all.findLast((command) => command.id === id)?.run();
}

function isTyping(event: KeyboardEvent): boolean {
  const target = event.target;
  if (target instanceof HTMLInputElement)
    return !['checkbox', 'radio', 'range', 'button', 'submit'].includes(target.type);
  return (
    target instanceof HTMLTextAreaElement ||
    target instanceof HTMLSelectElement ||
    (target instanceof HTMLElement && target.isContentEditable)
  );
}

/** Enter presses what has the focus, before it means anything else. */
function isPressable(target: EventTarget | null): boolean {
  return target instanceof Element && target.closest('button, a[href], summary, [role=menuitem]') !== null;
}

/** Makes the keys work. Behind an open dialog only its own keys do. To be called while a component is set up. */
export function listenToKeys(): void {
  // Commands are registered anew whenever what they act on is; what was begun of a sequence of keys must outlive that.
  // eslint-disable-next-line svelte/prefer-svelte-reactivity -- gone before anybody could see it change
  const bound = $derived([...new Set(all.flatMap(({ keys }) => keys))].sort().join('\n'));
  $effect(() => {
    const bindings: Record<string, (event: KeyboardEvent) => void> = {};
    for (const keys of bound.split('\n').filter((each) => each !== '')) {
      // A question mark needs Shift on one keyboard and not on another.
      bindings[keys === '?' ? '[Shift]+?' : keys] = (event) => {
        const command = all.findLast((each) => each.keys.includes(keys));
        if (!command || (isTyping(event) && command.inText !== true)) return;
        if (keys === 'Enter' && isPressable(event.target)) return;
        if (document.querySelector('dialog[open]')) return;
        event.preventDefault();
        command.run();
      };
    }
    return tinykeys(window, bindings, { ignore: () => false });
  });
}
