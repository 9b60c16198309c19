// Random labels for property tests. Only tests import this file.
import fc from 'fast-check';
import {
  LABEL_STATES,
  UNLABELLED,
  type Comment,
  type LabelContent,
  type LabelRecord,
} from '../../contract/domain/label.ts';
import { applyPatch, commentKey } from '../../core/labels/labels.ts';

/** Text a person could type: everything that files are known to trip over, already in the form in which it is kept. */
const piece = fc.constantFrom(
  'harmful',
  'request',
  '<b>&amp;</b>',
  '"quoted"',
  'a,b',
  'semi;colon',
  'back\\slash',
  '=1+1',
  'größe',
  '日本',
  '😀',
  '-ing',
  "it's",
  '{}',
  '\u00e9',
);
export const lineArbitrary = fc.array(piece, { maxLength: 4 }).map((pieces) => pieces.join(' '));
const paragraph = fc.array(lineArbitrary, { maxLength: 3 }).map((lines) => lines.join('\n').trim());
const time = fc
  .date({ min: new Date('2000-01-01'), max: new Date('2100-01-01'), noInvalidDate: true })
  .map((date) => date.toISOString());
const author = fc.constantFrom('Ada', 'Ben', 'Zoë O’Neil, PhD');
const commentArbitrary: fc.Arbitrary<Comment> = fc.record({
  body: paragraph.filter((body) => body !== ''),
  author,
  time,
});

export const contentArbitrary: fc.Arbitrary<LabelContent> = fc
  .record({
    state: fc.constantFrom(...LABEL_STATES),
    text: lineArbitrary,
    notes: paragraph,
    tags: fc.uniqueArray(piece, { maxLength: 3 }).map((tags) => tags.toSorted()),
    confidence: fc.option(fc.integer({ min: 1, max: 5 })),
  })
  .map((content) => {
    const text = content.state === 'labelled' && content.text === '' ? 'a text' : content.text;
    const whole = { ...content, text };
    return applyPatch(UNLABELLED, content.state === 'unlabelled' ? { ...whole, text: '', confidence: null } : whole);
  });

export const recordArbitrary = (dictionary: string): fc.Arbitrary<LabelRecord> =>
  fc
    .record({
      feature: fc.nat({ max: 30 }),
      content: contentArbitrary,
      author,
      time,
      comments: fc.uniqueArray(commentArbitrary, { selector: commentKey, maxLength: 2 }),
    })
    .map(({ feature, content, ...rest }) => ({ dictionary, feature, ...content, ...rest }));

export const recordsArbitrary = (dictionary: string): fc.Arbitrary<readonly LabelRecord[]> =>
  fc.uniqueArray(recordArbitrary(dictionary), { selector: (record) => record.feature, minLength: 1, maxLength: 12 });
