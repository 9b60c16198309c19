// `?suite=…&run=1` in the address of a place that tries prompts: takes a telling case of that suite and runs it, once.
import { untrack } from 'svelte';
import { route, setQuery } from '../../state/route.svelte.ts';
import type { PromptChoice } from './promptChoice.svelte.ts';

/** To be called in an effect. @param run the case that was picked. */
export function followAddress(choice: PromptChoice, run: () => void): void {
  const { suite, run: isRun } = route.query;
  if (suite === undefined || choice.suites.length === 0) return;
  if (!choice.suites.some(({ name }) => name === suite)) {
    untrack(() => setQuery({ suite: null, run: null }));
  } else if (choice.suite?.name !== suite) {
    untrack(() => choice.chooseSuite(suite));
  } else if (choice.first !== null) {
    const { first } = choice;
    untrack(() => {
      choice.pick(first);
      setQuery({ suite: null, run: null });
      if (isRun !== undefined) run();
    });
  }
}
