import fc from 'fast-check';
import * as v from 'valibot';
import { describe, expect, it } from 'vitest';
import { lineSchema, paragraphSchema, timeSchema } from './fields.ts';

describe('text fields', () => {
  it('are in their final form after one reading: an id made from them never changes on the way through a file', () => {
    for (const schema of [lineSchema(1000), paragraphSchema(1000)]) {
      fc.assert(
        fc.property(fc.string({ unit: 'binary', maxLength: 60 }), (text) => {
          const once = v.safeParse(schema, text);
          if (once.success) expect(v.parse(schema, once.output)).toBe(once.output);
        }),
        { numRuns: 2000 },
      );
    }
  });

  it('keep every script and every sign, and refuse control characters in any disguise', () => {
    for (const text of ['Größe', '日本語', 'עברית', '👩‍👩‍👧', '<b>&amp;</b>', '= 1 + 1'])
      expect(v.parse(lineSchema(100), text)).toBe(text.normalize('NFC'));
    for (const text of ['a\u0000', '\u001b[2J', 'a\u007f', 'a\u009b', '\ud800'])
      expect(v.safeParse(lineSchema(100), text).success).toBe(false);
    expect(v.parse(paragraphSchema(100), 'a\r\nb\u2028c\td')).toBe('a\nb\nc\td');
    expect(v.safeParse(paragraphSchema(100), 'a\u000bb').success).toBe(false);
  });

  it('times have one spelling', () => {
    expect(v.is(timeSchema, '2026-11-22T20:12:00.000Z')).toBe(true);
    for (const text of ['2026-11-22T20:12:00Z', '2026-02-30T00:00:00.000Z', '2026-11-22T20:12:00.000+01:00', 'now', ''])
      expect(v.is(timeSchema, text)).toBe(false);
  });
});
