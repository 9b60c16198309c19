import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { AppError } from '../../contract/base/errors.ts';
import { editFromArguments, readEdit } from './editArguments.ts';
import { DICTIONARIES } from '../../testing/edits/randomEdits.ts';
import { makeVersion } from './version.ts';

const place = { site: 'blocks.3.hook_resid_post', dictionary: DICTIONARIES[0] };
const edit = (operations: string[], more: { scope?: string; gates?: string[] } = {}) =>
  editFromArguments({ ...place, operations, ...more });

describe('an edit on the command line', () => {
  it('reads every operation', () => {
    const texts = [
      'ablate:1',
      'scale:2:0.5',
      'clamp:3:-3',
      'clampActive:4:1e2',
      'floor:5:.5',
      'cap:6:2.',
      'steer:7:+4',
      'project:8:0',
    ];
    const shared = { ...place, scope: { positions: 'all' }, gates: [] };
    expect(edit(texts).operations).toEqual([
      { ...shared, feature: 1, kind: 'ablate' },
      { ...shared, feature: 2, kind: 'scale', factor: 0.5 },
      { ...shared, feature: 3, kind: 'clamp', value: -3 },
      { ...shared, feature: 4, kind: 'clampActive', value: 100 },
      { ...shared, feature: 5, kind: 'floor', value: 0.5 },
      { ...shared, feature: 6, kind: 'cap', value: 2 },
      { ...shared, feature: 7, kind: 'steer', amount: 4 },
      { ...shared, feature: 8, kind: 'project', factor: 0 },
    ]);
  });

  it('reads scopes and gates', () => {
    const [operation] = edit(['ablate:1'], { scope: 'fromFirstFiring:12', gates: ['9>0.5', '7>-1'] }).operations;
    expect(operation?.scope).toEqual({ positions: 'fromFirstFiring', feature: 12 });
    expect(operation?.gates).toEqual([
      { feature: 7, threshold: -1 },
      { feature: 9, threshold: 0.5 },
    ]);
    expect(edit(['ablate:1'], { scope: 'notBos' }).operations[0]?.scope).toEqual({ positions: 'notBos' });
  });

  it.each([
    [['remove:1'], {}, /"remove:1" is not a valid operation.*ablate, scale/u],
    [['ablate'], {}, /"ablate" is not a valid operation/u],
    [['ablate:-1'], {}, /"ablate:-1" is not a valid operation/u],
    [['ablate:1:2'], {}, /ablate takes no number/u],
    [['clamp:1'], {}, /clamp takes a number, clamp:1:2\./u],
    [['clamp:1:two'], {}, /"two" is not a number/u],
    [['clamp:1:0x10'], {}, /"0x10" is not a number/u],
    [['clamp:1:1e999'], {}, /is not a number/u],
    [['clamp:1:2:3'], {}, /is not a valid operation/u],
    [['ablate:1', 'clamp:1:2'], {}, /two operations on one feature/u],
    [['ablate:1'], { scope: 'some' }, /"some" is not a valid scope/u],
    [['ablate:1'], { gates: ['7'] }, /"7" is not a valid gate/u],
  ] as const)('refuses %j %j', (operations, more: { scope?: string; gates?: readonly string[] }, message) => {
    expect(() => editFromArguments({ ...place, operations, ...more })).toThrow(message);
  });

  it('refuses whatever else is written there with a sentence, never in another way', () => {
    fc.assert(
      fc.property(fc.array(fc.string()), fc.string(), fc.array(fc.string()), (operations, scope, gates) => {
        try {
          editFromArguments({ ...place, operations, scope, gates });
        } catch (thrown) {
          expect(thrown).toBeInstanceOf(AppError);
          expect(thrown).toMatchObject({ code: 'usage' });
        }
      }),
    );
  });
});

describe('an edit in a file', () => {
  it('is an edit or a version; anything else is refused by name', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'errata-edits-'));
    const path = join(folder, 'edit.json');
    const save = (value: unknown) => writeFile(path, typeof value === 'string' ? value : JSON.stringify(value));
    try {
      const { operations } = edit(['ablate:1', 'steer:2:3']);
      await save({ operations });
      expect(await readEdit(path)).toEqual({ operations });
      await save(
        makeVersion({
          format: 'errata.version.1',
          parents: [],
          model: 'c'.repeat(64),
          operations,
          behaviours: [],
          labels: [],
          message: 'm',
          author: 'a',
          time: '2026-11-22T20:12:00.000Z',
        }),
      );
      expect(await readEdit(path)).toEqual({ operations });
      await save('{');
      await expect(readEdit(path)).rejects.toMatchObject({ code: 'invalid-file', details: { path } });
      await save({ operations: [{ kind: 'ablate' }] });
      await expect(readEdit(path)).rejects.toMatchObject({ code: 'invalid-file' });
      await expect(readEdit(join(folder, 'none.json'))).rejects.toMatchObject({ code: 'not-found' });
    } finally {
      await rm(folder, { recursive: true });
    }
  });
});
