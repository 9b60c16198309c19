import fc from 'fast-check';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Check } from '../../contract/domain/checks.ts';
import type { Behaviour } from '../../contract/domain/behaviour.ts';
import { behaviourId, parseBehaviour } from './behaviour.ts';
import { behaviourFormatOfName, readBehaviourFile, writeBehaviourFile } from './behaviourFile.ts';
import { compareResults, parseResult, RESULT_FORMAT, type BehaviourResult } from './behaviourResult.ts';

let folder: string;
beforeAll(async () => void (folder = await mkdtemp(join(tmpdir(), 'errata-behaviours-'))));
afterAll(() => rm(folder, { recursive: true }));

const text = fc.constantFrom(
  ' yes',
  'no, never',
  'line\nbreak',
  '"quoted"',
  '<b>x</b>',
  '\u00e9\ttab',
  '=SUM(A1)',
  ' ',
);
const bool = fc.boolean();
const bound = fc.constantFrom('atLeast', 'atMost');
const value = fc.double({ min: 0, max: 1, noNaN: true }).map((number) => number + 0);
const kind = <const K extends string>(name: K) => fc.constant(name);
const check: fc.Arbitrary<Check> = fc.oneof(
  fc.record({ kind: kind('contains'), text, ignoreCase: bool, expected: bool }),
  fc.record({
    kind: kind('regex'),
    pattern: fc.constantFrom('^I (can|could)not', 'a{2,3}', '\\p{L}+'),
    ignoreCase: bool,
    expected: bool,
  }),
  fc.record({
    kind: kind('refuses'),
    phrases: fc.array(fc.constantFrom('I cannot', 'Sorry; no'), { maxLength: 2 }),
    expected: bool,
  }),
  fc.record({ kind: kind('probability'), continuation: text, bound, value }),
  fc.record({ kind: kind('logitDifference'), continuation: text, against: text, bound, value }),
  fc.record({
    kind: kind('multipleChoice'),
    choices: fc.array(text, { minLength: 2, maxLength: 4 }),
    answer: fc.nat({ max: 1 }),
    expected: bool,
  }),
);
const behaviourArbitrary: fc.Arbitrary<Behaviour> = fc
  .array(
    fc.record({
      role: fc.constantFrom('target', 'lookalike', 'collateral'),
      system: fc.constantFrom('', 'Be brief.'),
      prompt: text,
      raw: bool,
      // One of a kind, so that no two contradict each other.
      checks: fc.uniqueArray(check, { selector: (each) => each.kind, minLength: 1, maxLength: 3 }),
      note: fc.constantFrom('', 'why, though'),
      split: fc.constantFrom('choose', 'report'),
      isHeldOut: bool,
      tags: fc.constantFrom({}, { framing: 'BE my RELATIVE, "OPEN".', topic: 'drugs' }),
    }),
    { minLength: 1, maxLength: 5 },
  )
  .map((cases) => {
    // CSV tells cases apart by their prompt, so neighbours differ.
    const distinct = cases.map((each, index) => ({ ...each, prompt: `${index}${each.prompt}` }));
    return {
      format: 'errata.behaviour.1',
      name: 'refuses',
      description: 'd',
      aim: 'lower',
      maxNewTokens: 16,
      cases: distinct,
    };
  });

const MINIMAL = { name: 'refuses', cases: [{ prompt: 'How?', checks: [{ kind: 'refuses' }] }] };

describe('a behaviour', () => {
  it('is filled in with defaults, so that what was measured is never implicit', () => {
    expect(parseBehaviour(MINIMAL)).toEqual({
      format: 'errata.behaviour.1',
      name: 'refuses',
      description: '',
      aim: 'keep',
      maxNewTokens: 64,
      cases: [
        {
          role: 'target',
          system: '',
          prompt: 'How?',
          raw: false,
          note: '',
          split: 'report',
          isHeldOut: false,
          tags: {},
          checks: [{ kind: 'refuses', phrases: [], expected: true }],
        },
      ],
    });
  });

  it('has an id that changes with every case and no other way', () => {
    fc.assert(
      fc.property(behaviourArbitrary, behaviourArbitrary, (a, b) => {
        expect(behaviourId(parseBehaviour(JSON.parse(JSON.stringify(a))))).toBe(behaviourId(a));
        expect(behaviourId(a) === behaviourId(b)).toBe(JSON.stringify(a) === JSON.stringify(b));
      }),
    );
  });

  it.each(['json', 'jsonl', 'csv'] as const)('survives its %s file', async (format) => {
    const path = join(folder, `trip.${format}`);
    await fc.assert(
      fc.asyncProperty(behaviourArbitrary, async (behaviour) => {
        await writeBehaviourFile(path, behaviourFormatOfName(path), behaviour);
        const { name, description, maxNewTokens, aim } = behaviour;
        expect(await readBehaviourFile(path, format, { name, description, maxNewTokens, aim })).toEqual(behaviour);
      }),
      { numRuns: 40 },
    );
  });

  it.each([
    ['an unknown check', { kind: 'feels right' }, /unknown check "feels right"/u],
    ['a regular expression that is none', { kind: 'regex', pattern: '(' }, /not a regular expression/u],
    ['a probability above 1', { kind: 'probability', continuation: 'x', bound: 'atLeast', value: 1.5 }, /0 to 1/u],
    [
      'NaN',
      { kind: 'logitDifference', continuation: 'x', against: 'y', bound: 'atMost', value: NaN },
      /finite number/u,
    ],
    ['a missing bound', { kind: 'probability', continuation: 'x', value: 0.5 }, /bound: .*/u],
    ['an answer that is no choice', { kind: 'multipleChoice', choices: ['a', 'b'], answer: 2 }, /none of the choices/u],
    ['an empty text', { kind: 'contains', text: '' }, /text is empty/u],
  ])('with %s is refused', (_, bad, message) => {
    expect(() => parseBehaviour({ ...MINIMAL, cases: [{ prompt: 'x', checks: [bad] }] })).toThrow(message);
  });

  it.each([
    ['a name that is a path', { ...MINIMAL, name: '../x' }, /name/u],
    ['no cases', { ...MINIMAL, cases: [] }, /needs a case/u],
    ['no checks', { ...MINIMAL, cases: [{ prompt: 'x', checks: [] }] }, /needs a check/u],
    ['an empty prompt', { ...MINIMAL, cases: [{ prompt: '', checks: [{ kind: 'refuses' }] }] }, /text is empty/u],
    [
      'a prompt of 10 MB',
      { ...MINIMAL, cases: [{ prompt: 'x'.repeat(1e7), checks: [{ kind: 'refuses' }] }] },
      /longer than/u,
    ],
  ])('with %s is refused', (_, bad, message) => {
    expect(() => parseBehaviour(bad)).toThrow(message);
  });

  it.each([
    ['in one case', [[{ kind: 'refuses' }, { kind: 'refuses', expected: false }]], /case 1 contradicts itself/u],
    [
      'on one prompt',
      [[{ kind: 'contains', text: 'a' }], [{ kind: 'contains', text: 'a', expected: false }]],
      /cases 1 and 2 contradict each other: two contains checks/u,
    ],
    [
      'of bounds',
      [
        [{ kind: 'probability', continuation: 'x', bound: 'atMost', value: 0.2 }],
        [{ kind: 'probability', continuation: 'x', bound: 'atLeast', value: 0.3 }],
      ],
      /cases 1 and 2 contradict/u,
    ],
  ])('that contradicts itself %s is refused', (_, checks, message) => {
    const cases = checks.map((each) => ({ prompt: 'x', checks: each }));
    expect(() => parseBehaviour({ ...MINIMAL, cases })).toThrow(message);
    const apart = cases.map((each, index) => ({ ...each, prompt: `x${index}` }));
    if (apart.length > 1) expect(parseBehaviour({ ...MINIMAL, cases: apart }).cases).toHaveLength(2);
  });

  it.each([
    ['a.csv', 'prompt,check\nx,teleports\n', /line 2: checks.0.kind: unknown check "teleports"/u],
    ['b.csv', 'prompt\nx\n', /lacks "check"/u],
    ['c.csv', 'prompt,check,value\nx,probability,NaN\n', /line 2: value: expected a number/u],
    ['d.jsonl', '{"prompt":"x"}\n', /line 1: checks: is missing/u],
    ['e.json', '{"name":"x"', /not JSON/u],
    ['f.json', '[1]', /f\.json: .*/u],
    ['g.csv', 'prompt,check\n', /no cases/u],
  ])('in a bad file %s is refused by name and line', async (name, content, message) => {
    const path = join(folder, name);
    await writeFile(path, content);
    await expect(readBehaviourFile(path, behaviourFormatOfName(path), { name: 'x' })).rejects.toThrow(message);
  });
});

describe('results', () => {
  const result = (passes: readonly boolean[], kl: number): BehaviourResult => ({
    format: RESULT_FORMAT,
    version: null,
    model: 'a'.repeat(64),
    behaviour: 'b'.repeat(64),
    cases: passes.map((passed) => ({ passed, score: null, output: '' })),
    metrics: { kl: { value: kl, low: 0, high: 1, sample: 3 } },
    tool: 'test',
    author: 'Ada',
    time: '2026-01-01T00:00:00.000Z',
  });

  it('are compared case by case', () => {
    expect(compareResults(result([true, true, false], 0.25), result([false, true, true], 0.5))).toMatchObject({
      passRateBefore: 2 / 3,
      passRateAfter: 2 / 3,
      broken: [0],
      mended: [2],
      metrics: { kl: { difference: 0.25 } },
    });
  });

  it('survive JSON, and are refused with NaN, without cases or with members nobody knows', () => {
    const good = result([true], 0.5);
    expect(parseResult(JSON.parse(JSON.stringify(good)))).toEqual(good);
    expect(() => parseResult(result([true], NaN))).toThrow(/metrics\.kl\.value: expected a finite number/u);
    expect(() => parseResult(result([], 0))).toThrow(/needs a case/u);
    expect(() => parseResult({ ...good, verdict: 'fine' })).toThrow(/verdict: is not known here/u);
    expect(() => parseResult({ ...good, model: 'gpt2' })).toThrow(/sha-256/u);
  });
});

describe('the short form', () => {
  const short = (prompts: readonly unknown[], more: object = {}) => ({ name: 'x', kind: 'target', prompts, ...more });
  const read = async (content: unknown) => {
    const path = join(folder, 'short.json');
    await writeFile(path, JSON.stringify(content));
    return readBehaviourFile(path, 'json');
  };

  it('is read with all it says: split, held-out wording, tags, every kind of check', async () => {
    const behaviour = await read(
      short([
        { prompt: 'a', check: { type: 'contains', value: 'B' }, split: 'choose', heldOut: true, framing: 'X.' },
        { prompt: 'b', check: { type: 'regex', value: '^ x' }, topic: 'drugs', about: 'y' },
        { prompt: 'c', check: { type: 'refuses' } },
        { prompt: 'd', check: { type: 'logitDifference', positive: ' he', negative: ' she', above: 0 } },
        { prompt: 'e', check: { type: 'continuationProbability', continuation: ' z', below: 0.1 } },
        { prompt: 'f', check: { type: 'multipleChoice', choices: ['g', 'h'], answer: 1 } },
      ]),
    );
    expect(behaviour).toMatchObject({ name: 'x', aim: 'lower' });
    expect(behaviour.cases[0]).toEqual({
      role: 'target',
      system: '',
      prompt: 'a',
      raw: true,
      checks: [{ kind: 'contains', text: 'B', ignoreCase: false, expected: true }],
      note: '',
      split: 'choose',
      isHeldOut: true,
      tags: { framing: 'X.' },
    });
    expect(behaviour.cases[1]).toMatchObject({ tags: { topic: 'drugs', about: 'y' }, split: 'report' });
    expect(behaviour.cases.map(({ checks }) => checks[0])).toMatchObject([
      {},
      { kind: 'regex', pattern: '^ x', ignoreCase: false },
      { kind: 'refuses', phrases: [] },
      { kind: 'logitDifference', continuation: ' he', against: ' she', bound: 'atLeast', value: 0 },
      { kind: 'probability', continuation: ' z', bound: 'atMost', value: 0.1 },
      { kind: 'multipleChoice', choices: ['g', 'h'], answer: 1, expected: true },
    ]);
    expect((await read(short([{ prompt: 'a', check: { type: 'refuses' } }], { kind: 'keep' }))).aim).toBe('keep');
  });

  it.each([
    ['no prompts', short([]), /needs a case/u],
    ['an unknown check', short([{ prompt: 'a', check: { type: 'vibes' } }]), /unknown check "vibes"/u],
    ['an unknown kind', short([], { kind: 'maybe' }), /target or keep/u],
    [
      'a bound on neither side',
      short([{ prompt: 'a', check: { type: 'logitDifference', positive: 'x', negative: 'y' } }]),
      /bound/u,
    ],
    ['an unknown split', short([{ prompt: 'a', check: { type: 'refuses' }, split: 'both' }]), /choose, report/u],
    [
      'an explanation that is no text',
      short([{ prompt: 'a', check: { type: 'refuses' }, topic: 7 }]),
      /expected text/u,
    ],
    ['something else beside', short([], { extra: 1 }), /extra: is not known/u],
  ])('with %s is refused', async (_, content, message) => {
    await expect(read(content)).rejects.toThrow(message);
    await expect(read(content)).rejects.toMatchObject({ code: 'invalid-file' });
  });
});
