// Which edits can change a case at all. An operation on a feature that does not fire, behind a gate that stays shut or after
// a feature that never fires leaves a text as it is, bit for bit; so most of the cases that must stay need not be run again
// to know that an edit does them no harm.
import type { Edit } from '../../contract/domain/edit.ts';
import { gainOf, OPERATIONS, type Operation } from '../../contract/domain/operations/index.ts';
import type { DictionarySite } from '../edits/editPatches.ts';
import type { CaseFirings } from './caseFirings.ts';
import type { ShownCase } from './shownCase.ts';

/** The largest activation of each feature that fires in a case, in anything said in it or compared with it. */
type Largest = Map<number, number>;

interface Fired {
  readonly everywhere: Largest;
  readonly notBos: Largest;
}

export class EditActivity {
  /** By the tokens of what was said: a case may be scored in several ways. */
  readonly #byPlace = new Map<string, WeakMap<readonly number[], Fired>>();

  /**
   * Tells where features of a place fire in one of the texts of a case. All of its texts are to be told of.
   * @param isBos of a position; operations of the scope notBos do not act there
   */
  add(place: DictionarySite, shown: ShownCase, firings: CaseFirings, isBos: (position: number) => boolean): void {
    const key = keyOf(place);
    const here = this.#byPlace.get(key) ?? new WeakMap<readonly number[], Fired>();
    this.#byPlace.set(key, here);
    const fired = here.get(shown.said.ids) ?? {
      everywhere: new Map<number, number>(),
      notBos: new Map<number, number>(),
    };
    here.set(shown.said.ids, fired);
    const { positions, features, values } = firings;
    for (let entry = 0; entry < values.length; entry++) {
      const [feature, value] = [features[entry] ?? -1, values[entry] ?? 0];
      raise(fired.everywhere, feature, value);
      if (!isBos(positions[entry] ?? 0)) raise(fired.notBos, feature, value);
    }
  }

  /**
   * False only if the edit changes nothing in the case. What flows at a later site is the unedited model's as long as nothing
   * acts before it, so unedited activations decide.
   */
  mayAct({ operations }: Edit, shown: ShownCase): boolean {
    return operations.some((operation) => {
      const fired = this.#byPlace.get(keyOf(operation))?.get(shown.said.ids);
      return fired === undefined || mayAct(operation, fired);
    });
  }
}

function raise(largest: Largest, feature: number, value: number): void {
  largest.set(feature, Math.max(largest.get(feature) ?? 0, value));
}

function mayAct(operation: Operation, { everywhere, notBos }: Fired): boolean {
  const { scope, gates, feature } = operation;
  const largest = scope.positions === 'notBos' ? notBos : everywhere;
  if (scope.positions === 'fromFirstFiring' && !largest.has(scope.feature)) return false;
  const isOpen = gates.length === 0 || gates.some((gate) => (largest.get(gate.feature) ?? 0) > gate.threshold);
  return isOpen && (largest.has(feature) || !needsFiring(operation));
}

/** Whether it leaves an activation of 0 as it is. */
function needsFiring(operation: Operation): boolean {
  const { reads, onlyActive } = OPERATIONS[operation.kind];
  return onlyActive === true || (reads !== 'stream' && gainOf(operation, 0) === 0);
}

function keyOf({ site, dictionary }: DictionarySite): string {
  return `${site} ${dictionary}`;
}
