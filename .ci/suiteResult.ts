/** A test file whose process ended by a signal. None of its tests are counted. */
export interface DeadFile {
  readonly file: string;
  readonly signal: string;
}

/** What a suite came to: how many tests, and each failure in a line. */
export interface SuiteResult {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
  readonly failures: readonly string[];
  readonly died?: readonly DeadFile[];
}
