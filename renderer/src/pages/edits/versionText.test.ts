import { describe, expect, it } from 'vitest';
import type { Difference, Version } from '../../api/types.ts';
import { labelsIn } from './versionNames.ts';
import { versionJson, versionMarkdown } from './versionText.ts';

const dictionary = 'd'.repeat(64);
const operation = {
  kind: 'clamp' as const,
  value: -3,
  feature: 7,
  dictionary,
  site: 'blocks.1.hook_resid_post',
  scope: { positions: 'all' as const },
  gates: [{ feature: 90, threshold: 0 }],
};
const version: Version = {
  id: 'a'.repeat(64),
  edit: 'e'.repeat(64),
  parents: [],
  model: 'm'.repeat(64),
  operations: [operation],
  behaviours: ['b'.repeat(64)],
  labels: [{ dictionary, feature: 90, text: 'harm | no' }],
  message: 'Quiet it\n\nas asked',
  author: 'Ada',
  time: '2026-11-22T20:12:00.000Z',
  names: ['main'],
  evaluation: null,
};
const difference: Difference = {
  operations: [{ key: 'k', before: null, after: operation, labelBefore: null, labelAfter: 'complies' }],
  behavioursAdded: ['b'.repeat(64)],
  behavioursRemoved: [],
};

describe('a version as text', () => {
  it('is Markdown with one row for each change', () => {
    const text = versionMarkdown(version, difference, null, {
      labelOf: labelsIn(version),
      names: new Map([[dictionary, 'first']]),
      behaviours: new Map([['b'.repeat(64), 'jailbreak']]),
    });
    expect(text.split('\n')).toEqual([
      '# Quiet it',
      '',
      'as asked',
      '',
      `Version ${version.id} by Ada, ${version.time}, of the model ${version.model}.`,
      '',
      'Changes against the base model:',
      '',
      '| Change | Feature | Label | Before | After | Dictionary | Site |',
      '| --- | --- | --- | --- | --- | --- | --- |',
      '| added | 7 | complies |  | clamp to −3, where feature 90 “harm \\| no” > 0 | first | blocks.1.hook_resid_post |',
      '',
      '- must satisfy jailbreak',
      '',
    ]);
  });

  it('is JSON with all that it holds', () => {
    expect(JSON.parse(versionJson(version, difference, null))).toEqual({ ...version, against: null, difference });
  });
});
