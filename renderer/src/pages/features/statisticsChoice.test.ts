import { describe, expect, it } from 'vitest';
import { statisticsOver, textChoices } from './statisticsChoice.ts';

const texts = [
  { from: 'activations', name: 'trained', tokens: 2_000_000, isTrainedOn: true },
  { from: 'activations', name: 'same.jsonl', tokens: 500, isTrainedOn: false },
  { from: 'corpus', name: 'same.jsonl', bytes: 5_000_000 },
] as const;

describe('the text that statistics are over', () => {
  it('is told apart by kind and name, with its size and whether the dictionary was trained on it', () => {
    const choices = textChoices(texts);
    expect(new Set(choices.map(({ key }) => key)).size).toBe(3);
    expect(choices.map(({ title }) => title)).toEqual([
      expect.stringMatching(/^trained \(2.*M tokens, trained on\)$/u),
      expect.stringMatching(/^same\.jsonl \(500 tokens\)$/u),
      expect.stringMatching(/^same\.jsonl \(4\.77 MiB\)$/u),
    ]);
  });

  it('is named to the host, except activations of the training, which may lie outside of the project', () => {
    expect(textChoices(texts).map((choice) => statisticsOver(null, choice))).toEqual([
      null,
      { from: 'activations', name: 'same.jsonl' },
      { from: 'corpus', corpus: { from: 'project', name: 'same.jsonl' } },
    ]);
  });

  it('is the file that was picked, whatever was chosen before', () => {
    const place = { location: 'abc', name: 'texts', path: '~/texts', kind: 'folder', holds: null } as const;
    const over = { from: 'corpus', corpus: { from: 'location', location: 'abc' } };
    expect(statisticsOver(place, textChoices(texts)[0])).toEqual(over);
  });
});
