// How far a long computation is. The code that does the work reports Work; on its way to a person the engine adds the rate
// and the remaining time, and thins the reports out to ten per second.

/** What a computation reports about itself: cheap to make, as often as it likes. */
export interface Work {
  /** What is being done now, as a person reads it: 'Capturing activations'. */
  readonly stage: string;
  /** Units finished, and of how many; null when the end is not known. */
  readonly done: number;
  readonly total: number | null;
  /** What is counted, in the plural: 'tokens', 'steps'. */
  readonly unit: string;
  /** Figures worth showing beside it: { loss: 0.12 }. */
  readonly figures?: Readonly<Record<string, number>>;
}

export type OnWork = (work: Work) => void;

/** What a person sees of it. */
export interface Progress extends Work {
  /** Of the whole task, 0 to 1; null when the end is not known. */
  readonly fraction: number | null;
  /** Units per second over the last seconds of this stage; null until it can be told. */
  readonly perSecond: number | null;
  /** Of the whole task. */
  readonly remainingSeconds: number | null;
}
