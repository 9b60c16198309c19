// Each criterion of a sound answer alone, and what holds for any answer.
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ANSWER_FAULTS } from '../../contract/domain/soundness.ts';
import {
  answerFigures,
  faultsOf,
  goesOnWithWord,
  soundRange,
  type AnswerFigures,
  type JudgedAnswer,
  type ScoredAnswer,
} from './soundAnswers.ts';

const scored = (changes: Partial<ScoredAnswer> = {}): ScoredAnswer => ({
  losses: [0.1, 0.2, 0.1, 0.1, 0.1],
  ranks: [0, 0, 0, 0, 0],
  isInsideWord: [false, false, true, false, false],
  lossElsewhere: 20,
  ...changes,
});
/** What an ordinary model's own answers are like. */
const range: AnswerFigures = {
  otherLoss: 0.5,
  secondLoss: 1.5,
  laterRank: 10,
  secondRank: 2,
  insideWordLoss: 2,
  promptCost: -0.5,
};
const judge = (changes: Partial<ScoredAnswer>, rest: Partial<JudgedAnswer> = {}) =>
  faultsOf(
    { ids: [1, 2, 3, 4, 5], figures: answerFigures(scored(changes)), isCut: false, refusal: null, ...rest },
    range,
  );

describe('an answer', () => {
  it('is sound where the base model could have said it', () => {
    expect(judge({})).toEqual([]);
  });

  it('is sound although one token is as unlikely as can be: an edit begins another answer with it', () => {
    expect(judge({ losses: [19, 0.2, 0.1, 0.1, 0.1], ranks: [3000, 0, 0, 0, 0], lossElsewhere: 30 })).toEqual([]);
  });

  it('is broken where what follows is unlikely too', () => {
    expect(judge({ losses: [9, 1.6, 0.1, 0.1, 0.1] })).toEqual(['unlikely']);
    expect(judge({ losses: [9, 1.2, 0.4, 0.3, 0.3] })).toEqual(['unlikely']);
  });

  it('is broken where a later token, or a second one, is far from the choice of the base model', () => {
    expect(judge({ losses: [0.1, 0.2, 0.1, 9, 0.1], ranks: [0, 0, 0, 11, 0] })).toEqual(['outOfRank']);
    expect(judge({ ranks: [500, 3, 0, 0, 0] })).toEqual(['outOfRank']);
  });

  it('is broken where a word goes on in an unlikely way, however likely the rest is', () => {
    expect(judge({ losses: [0.1, 0.2, 6, 0.1, 0.1], ranks: [0, 0, 4, 0, 0] })).toEqual(['brokenWord']);
  });

  it('is broken where it is empty, runs in circles or is cut where the base model ends', () => {
    expect(judge({}, { ids: [], figures: null })).toEqual(['empty']);
    expect(judge({}, { ids: [7, 8, 7, 8, 7, 8] })).toEqual(['repeats']);
    expect(judge({}, { isCut: true })).toEqual(['unfinished']);
  });

  it('is broken where another prompt makes it as likely as its own, unless it refuses', () => {
    expect(judge({ lossElsewhere: 0.8 })).toEqual(['irrelevant']);
    expect(judge({ lossElsewhere: 0.8 }, { refusal: { elsewhere: [] } })).toEqual([]);
  });

  it('that refuses is fluent where it is so after a prompt that the base model refuses', () => {
    const unlikelyHere = { losses: [16, 3, 0.1, 6, 0.1], ranks: [90, 2, 0, 1, 0] };
    const [fluent, broken] = [answerFigures(scored()), answerFigures(scored({ losses: [9, 9, 9, 9, 9] }))];
    expect(judge(unlikelyHere)).toContain('unlikely');
    expect(judge(unlikelyHere, { refusal: { elsewhere: [broken] } })).toEqual(['unlikely']);
    expect(judge(unlikelyHere, { refusal: { elsewhere: [broken, fluent] } })).toEqual([]);
    expect(judge(unlikelyHere, { refusal: { elsewhere: [fluent] }, isCut: true })).toEqual(['unfinished']);
  });

  it('names what is wrong in one order, each fault once', () => {
    const all = judge(
      { losses: [9, 9, 9, 9, 9], ranks: [0, 99, 99, 0, 0], lossElsewhere: 1 },
      { ids: [1, 1, 1, 1, 1, 1], isCut: true },
    );
    expect(all).toEqual(Object.keys(ANSWER_FAULTS).filter((fault) => fault !== 'empty'));
  });
});

describe('a token goes on with a word', () => {
  it('where it begins with a letter right after a letter or a digit', () => {
    expect(goesOnWithWord('for', ['ak', ' hours', '.', 'Th', 'en', '1', 're', '’s'])).toEqual([
      true,
      false,
      false,
      false,
      true,
      false,
      true,
      false,
    ]);
  });

  it('not at the start after a space, and not in scripts that put none between words', () => {
    expect(goesOnWithWord('a girl named ', ['er'])).toEqual([false]);
    expect(goesOnWithWord('日本', ['語', 'です', 'สวัสดี'])).toEqual([false, false, false]);
  });

  it('also over a piece without text, which a character of several tokens leaves', () => {
    expect(goesOnWithWord('x', ['', 'é', 'a'])).toEqual([false, true, true]);
  });
});

const answers = fc
  .array(
    fc.record({
      loss: fc.double({ min: 0, max: 30, noNaN: true }),
      rank: fc.nat(5000),
      isInsideWord: fc.boolean(),
    }),
    { minLength: 1, maxLength: 30 },
  )
  .chain((tokens) =>
    fc.double({ min: 0, max: 500, noNaN: true }).map((lossElsewhere): ScoredAnswer => ({
      losses: tokens.map(({ loss }) => loss),
      ranks: tokens.map(({ rank }) => rank),
      isInsideWord: tokens.map(({ isInsideWord }) => isInsideWord),
      lossElsewhere,
    })),
  );

describe('for any answers', () => {
  it('at least 99% of those that make the range lie within each of its limits', () => {
    fc.assert(
      fc.property(fc.array(answers, { minLength: 1, maxLength: 150 }), (own) => {
        const figures = own.map(answerFigures);
        const limits = soundRange(figures);
        for (const name of Object.keys(limits) as (keyof AnswerFigures)[]) {
          const within = figures.filter((each) => each[name] <= limits[name]).length;
          expect(within).toBeGreaterThanOrEqual(Math.ceil(0.99 * own.length));
        }
      }),
    );
  });

  it('no limit is below what a good synonym has, however certain the model is', () => {
    const certain = answerFigures(scored({ losses: [0, 0, 0], ranks: [0, 0, 0], isInsideWord: [false, true, false] }));
    const { promptCost, ...limits } = soundRange(Array.from({ length: 50 }, () => certain));
    expect(promptCost).toBe(certain.promptCost); // which has no least limit
    expect(limits).toEqual({ otherLoss: 0.4, secondLoss: 2, laterRank: 30, secondRank: 3, insideWordLoss: 3 });
  });

  it('the figures are those of the slow definition', () => {
    fc.assert(
      fc.property(answers, (answer) => {
        const losses = Array.from(answer.losses);
        const ranks = Array.from(answer.ranks);
        const worst = losses.indexOf(Math.max(...losses));
        const others = losses.filter((_, index) => index !== worst);
        const figures = answerFigures(answer);
        const mean = others.length === 0 ? 0 : others.reduce((sum, loss) => sum + loss, 0) / others.length;
        expect(figures.otherLoss).toBeCloseTo(mean, 9);
        expect(figures.secondLoss).toBe(others.length === 0 ? 0 : Math.max(...others));
        expect(figures.laterRank).toBe(ranks.length < 2 ? 0 : Math.max(...ranks.slice(1)));
        const inside = losses.filter((_, index) => answer.isInsideWord[index]);
        expect(figures.insideWordLoss).toBe(inside.length === 0 ? 0 : Math.max(...inside));
      }),
    );
  });

  it('a less likely token never makes an answer sound', () => {
    fc.assert(
      fc.property(answers, fc.nat(29), fc.double({ min: 0, max: 20, noNaN: true }), (answer, where, more) => {
        const index = where % answer.losses.length;
        const worse = {
          ...answer,
          losses: Array.from(answer.losses, (loss, at) => (at === index ? loss + more : loss)),
          lossElsewhere: answer.lossElsewhere + more,
        };
        const [one, other] = [answerFigures(answer), answerFigures(worse)];
        expect(other.otherLoss).toBeGreaterThanOrEqual(one.otherLoss - 1e-9);
        expect(other.secondLoss).toBeGreaterThanOrEqual(one.secondLoss);
        expect(other.insideWordLoss).toBeGreaterThanOrEqual(one.insideWordLoss);
      }),
    );
  });
});
