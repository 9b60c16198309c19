// A table as text: for a spreadsheet, a report, a program.

export interface TextTable {
  readonly columns: readonly string[];
  readonly rows: readonly (readonly (string | number | boolean | null)[])[];
}

function cell(value: string | number | boolean | null): string {
  return value === null ? '' : String(value);
}

/** Tabs and line breaks inside of a cell would make cells of their own. */
export function toTsv({ columns, rows }: TextTable): string {
  return [columns, ...rows].map((row) => row.map((value) => cell(value).replace(/\s+/gu, ' ')).join('\t')).join('\n');
}

export function toMarkdown({ columns, rows }: TextTable): string {
  const line = (row: readonly (string | number | boolean | null)[]) =>
    `| ${row.map((value) => cell(value).replace(/\s+/gu, ' ').replaceAll('\\', '\\\\').replaceAll('|', '\\|')).join(' | ')} |`;
  return [line(columns), line(columns.map(() => '---')), ...rows.map(line)].join('\n');
}

export function toJson({ columns, rows }: TextTable): string {
  return JSON.stringify(
    rows.map((row) => Object.fromEntries(columns.map((column, index) => [column, row[index] ?? null]))),
    null,
    2,
  );
}

/** RFC 4180. What a spreadsheet would take for a formula gets an apostrophe before it. */
export function toCsv({ columns, rows }: TextTable): string {
  return [columns, ...rows]
    .map((row) =>
      row
        .map((value) => {
          const text = typeof value === 'string' && /^[=+\-@\t\r]/u.test(value) ? `'${value}` : cell(value);
          return /[",\n\r]/u.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
        })
        .join(','),
    )
    .join('\r\n')
    .concat('\r\n');
}
