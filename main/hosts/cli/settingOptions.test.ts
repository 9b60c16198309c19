import * as v from 'valibot';
import { describe, expect, it } from 'vitest';
import { setting, whole } from '../../contract/base/setting.ts';
import { optionsOfSettings, settingsFrom } from './settingOptions.ts';

const words = { label: 'A thing', hint: 'How many things there are.' };
const table = {
  things: setting(whole(1, 9), { ...words, option: 'things', short: 't', unit: 'things', usual: 3 }),
  rate: v.optional(
    setting(v.pipe(v.number(), v.gtValue(0), v.ltValue(1)), { ...words, hint: 'A rate.', option: 'rate' }),
    0.5,
  ),
  bytes: v.exactOptional(
    setting(whole(0, 8 << 20), { ...words, hint: 'Size.', option: 'megabytes', scale: 1 << 20, computed: 'as fits' }),
  ),
  marks: v.optional(
    setting(v.array(v.pipe(v.number(), v.minValue(0))), { ...words, hint: 'Marks.', option: 'marks' }),
    [1, 2],
  ),
  where: v.optional(setting(v.picklist(['here', 'there']), { ...words, hint: 'Place.', option: 'where' }), 'here'),
  note: v.optional(setting(v.string(), { ...words, hint: 'A note.', option: 'note', hasLineBreaks: true }), ''),
  sums: v.optional(setting(v.boolean(), { ...words, hint: 'Sums are shown.', option: 'sums' }), true),
  parts: v.optional(setting(v.boolean(), { ...words, hint: 'Parts are shown.', option: 'parts' }), false),
};

const from = (values: Readonly<Record<string, string | boolean>>) => settingsFrom(table, { positionals: [], values });

describe('the options of a table of settings', () => {
  it('say what each is, its bounds and its default', () => {
    const described = Object.entries(optionsOfSettings(table)).map(([name, { description }]) => [name, description]);
    expect(Object.fromEntries(described)).toEqual({
      things: 'How many things there are. A whole number of things, at least 1, at most 9; by default 3.',
      rate: 'A rate. A number, more than 0, less than 1; by default 0.5.',
      megabytes: 'Size. A number, at least 0, at most 8; by default as fits.',
      marks: 'Marks. Numbers with commas between (each at least 0), or none; by default 1, 2.',
      where: 'Place. One of here, there; by default here.',
      note: 'A note.',
      'no-sums': 'Switch off: sums are shown.',
      parts: 'Parts are shown.',
    });
    expect(optionsOfSettings(table)['things']).toMatchObject({ type: 'string', short: 't' });
    expect(optionsOfSettings(table)['no-sums']).toMatchObject({ type: 'boolean' });
  });

  it('give what was said, the usual value of what is required, and nothing else', () => {
    expect(from({})).toEqual({ things: 3 });
    const said = { things: '9', rate: '1e-3', megabytes: '0.1', marks: '0, 7.5', where: 'there', note: 'a\\nb' };
    expect(from({ ...said, 'no-sums': true, parts: true })).toEqual({
      ...{ things: 9, rate: 0.001, bytes: 104_858, marks: [0, 7.5], where: 'there', note: 'a\nb' },
      ...{ sums: false, parts: true },
    });
    expect(from({ marks: 'none' })).toEqual({ things: 3, marks: [] });
  });

  it.each([
    [{ things: '10' }, '--things must be a whole number of things, at least 1, at most 9, not "10".'],
    [{ things: '2.5' }, '--things must be a whole number of things, at least 1, at most 9, not "2.5".'],
    [{ things: 'two' }, '--things must be a whole number of things, at least 1, at most 9, not "two".'],
    [{ rate: '1' }, '--rate must be a number, more than 0, less than 1, not "1".'],
    [{ megabytes: '9' }, '--megabytes must be a number, at least 0, at most 8, not "9".'],
    [{ marks: '1,,2' }, '--marks must be numbers with commas between (each at least 0), or none, not "1,,2".'],
    [{ where: 'nowhere' }, '--where must be one of here, there, not "nowhere".'],
  ])('refuse %j and say what is allowed', (values, message) => {
    expect(() => from(values)).toThrow(message);
  });
});
