/** One column of a DataTable. */
export interface Column<Row> {
  readonly title: string;
  /** What its figures mean, with units: shown on hover. */
  readonly definition?: string;
  /** What it is sorted by and copied as. */
  readonly value: (row: Row) => string | number | null;
  /** What is shown, where it is not the value itself. */
  readonly text?: (row: Row) => string;
  readonly isNumber?: boolean;
  readonly isMono?: boolean;
  /** Shown by the table's `cell` snippet. */
  readonly isDrawn?: boolean;
}
