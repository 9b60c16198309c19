// A step from one schema version to the next.
export interface Migration {
  /** The schema version it leads to, one above the version it starts from. */
  readonly version: number;
  readonly sql: string;
}
