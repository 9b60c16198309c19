// What an edit is for, where nobody says so: an edit is judged by what it claims, not by every fault of the model.
import type { Behaviour } from '../../contract/domain/behaviour.ts';

/**
 * Names of the behaviours that an edit is judged by: those it must satisfy. Where it names none that could be changed, all
 * whose aim is not to be kept: a default never weakens a verdict.
 * @param satisfied names of the behaviours that the edit must satisfy.
 */
export function defaultTargets(
  behaviours: readonly Pick<Behaviour, 'name' | 'aim'>[],
  satisfied: ReadonlySet<string>,
): string[] {
  const changeable = behaviours.filter(({ aim }) => aim !== 'keep').map(({ name }) => name);
  const claimed = changeable.filter((name) => satisfied.has(name));
  return claimed.length > 0 ? claimed : changeable;
}
