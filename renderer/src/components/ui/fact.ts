export interface Fact {
  readonly name: string;
  readonly value: string;
  /** Shown on hover. */
  readonly definition?: string | undefined;
  readonly isMono?: boolean;
}
