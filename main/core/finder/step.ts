// The steps of a search, each with what it was weighed against, so that a person can follow why an edit is what it is.
import type { Operation } from '../../contract/domain/operations/index.ts';

/** What an edit leaves of the behaviour (1: all of it, 0: nothing), and nats lost on the worst of what must stay. */
export interface Effect {
  readonly remaining: number;
  readonly harm: number;
}

export interface FindStep extends Effect {
  /**
   * Operations were added, taken out, replaced by weaker ones, or given other numbers with which the answers are sounder; or all were taken out, since the model says in other words what
   * it should not, and the search begins anew.
   */
  readonly action: 'add' | 'remove' | 'weaken' | 'alter' | 'beginAnew';
  readonly operations: readonly Operation[];
  /** Over the same cases, without the step. */
  readonly before: Effect;
  /** Edits tried to find it. */
  readonly tried: number;
  /**
   * Share of the answers that are sound with the step; and of the one that would have cost less and was passed over for it. Left
   * out where it was not measured.
   */
  readonly sound?: { readonly share: number; readonly passedOver: number | null };
  /** What came next. Where `isLeast`, the harm is at least so much: it was clear that it is not the best. */
  readonly runnersUp: readonly (Effect & { readonly operations: readonly Operation[]; readonly isLeast: boolean })[];
}

export type OnStep = (step: FindStep) => void;
