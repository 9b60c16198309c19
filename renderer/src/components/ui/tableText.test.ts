import { parse } from 'csv-parse/sync';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { toCsv, toJson, toMarkdown, toTsv } from './tableText.ts';

const table = { columns: ['name', 'n'], rows: [['a|b\tc\nd', 1] as const, ['=1+1', null] as const] };

describe('a table as text', () => {
  it('keeps one row a line, whatever is in the cells', () => {
    expect(toTsv(table)).toBe('name\tn\na|b c d\t1\n=1+1\t');
    expect(toMarkdown(table)).toBe('| name | n |\n| --- | --- |\n| a\\|b c d | 1 |\n| =1+1 |  |');
    expect(JSON.parse(toJson(table))).toEqual([
      { name: 'a|b\tc\nd', n: 1 },
      { name: '=1+1', n: null },
    ]);
  });

  it('is CSV that comes back as it was; no cell of text becomes a formula', () => {
    const text = fc.string({ unit: 'grapheme' }).filter((value) => !/^[=+\-@\t\r]/u.test(value));
    fc.assert(
      fc.property(fc.array(fc.tuple(text, text), { minLength: 1 }), (rows) => {
        const parsed = parse(toCsv({ columns: ['a', 'b'], rows }), { relax_column_count: false });
        expect(parsed).toEqual([['a', 'b'], ...rows]);
      }),
    );
    expect(toCsv({ columns: ['a'], rows: [['=1+1'], [-1]] })).toBe("a\r\n'=1+1\r\n-1\r\n");
  });
});
