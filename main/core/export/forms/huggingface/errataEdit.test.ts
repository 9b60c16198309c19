// errata_edit.py computes every kind of operation on every kind of dictionary, in every scope and behind gates, as their
// definitions say: read from a real folder, run by torch where it is installed and else by numpy in its place. Tolerance: numpy
// computes in double precision, like the reference; torch in float32, on numbers of order 10.
import { spawnSync } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { makeOperation, OPERATION_KINDS, OPERATIONS } from '../../../../contract/domain/operations/index.ts';
import { POSITIONS, type Scope } from '../../../../contract/domain/operations/target.ts';
import { randomDictionary } from '../../../../testing/dictionaries/randomDictionary.ts';
import { temporaryFolder } from '../../../../testing/models/temporaryFolder.ts';
import { DICTIONARY_KINDS } from '../../../dictionaries/kinds/index.ts';
import { Random } from '../../../numerics/random.ts';
import { hookOf, readHook, writeHook } from './hookFile.ts';
import { hookFormula } from './hookFormula.ts';
import { HOOK_FILE, HOOK_PYTHON } from './hookPython.ts';

const python = process.env['ERRATA_PYTHON'] ?? 'python3';
const has = (module: string) => spawnSync(python, ['-c', `import ${module}`]).status === 0;
const hasNumpy = has('numpy');
const tolerance = has('torch') ? 1e-3 : 1e-9;
if (!hasNumpy) console.log('skipped: errata_edit.py against the definition of edits, because this Python has no numpy');

const PATCHED_SITES = fileURLToPath(new URL('../../../../testing/export/patchedSites.py', import.meta.url));
const D = 12;
const BOS = 1;
const TOKENS = [1, 5, 6, 7, 1, 8, 9, 10, 11, 12];
const PROMPT_LENGTH = 4;

/** Every kind of operation in every scope, each in two ways: always, and behind either of two gates. */
function everyOperation(site: string, dictionary: string) {
  const scopes = POSITIONS.map((positions): Scope =>
    positions === 'fromFirstFiring' ? { positions, feature: 90 } : { positions },
  );
  const gatings = [[], [{ feature: 91, threshold: 0.2 }, { feature: 92, threshold: 0.9 }]]; // prettier-ignore
  const targets = scopes.flatMap((scope) => gatings.map((gates) => ({ scope, gates })));
  return targets.flatMap((target, t) =>
    OPERATION_KINDS.map((kind, index) => {
      const feature = t * OPERATION_KINDS.length + index;
      return makeOperation(kind, OPERATIONS[kind].number?.example ?? 0, { ...target, site, dictionary, feature });
    }),
  );
}

describe.skipIf(!hasNumpy)('errata_edit.py', () => {
  it('does what the definitions of all kinds of operations and dictionaries say', async () => {
    const random = new Random(11);
    const sites = DICTIONARY_KINDS.map((_, index) => `blocks.${index}.hook_resid_post`);
    const hashes = DICTIONARY_KINDS.map((_, index) => String(index).padStart(64, '0'));
    const dictionaries = new Map(
      DICTIONARY_KINDS.map((kind, index) => [
        hashes[index] ?? '',
        randomDictionary(random, kind, { d: D, size: 96, k: 32, site: sites[index] ?? '' }),
      ]),
    );
    const operations = sites.flatMap((site, index) => everyOperation(site, hashes[index] ?? ''));
    const places = new Map(
      sites.map((site, index) => [site, { module: `model.${index}`, at: 'output' as const, plusInputOf: null }]),
    );
    const folder = await temporaryFolder();
    await writeHook(folder, hookOf({ operations }, dictionaries, places, BOS));
    await writeFile(join(folder, HOOK_FILE), HOOK_PYTHON);
    const hook = await readHook(folder);

    const x = Object.fromEntries(
      sites.map((site) => [site, TOKENS.map(() => Array.from({ length: D }, () => random.normal()))]),
    );
    const { status, stdout, stderr } = spawnSync(python, ['-B', PATCHED_SITES, folder], {
      input: JSON.stringify({ tokens: TOKENS, prompt_length: PROMPT_LENGTH, x }),
      encoding: 'utf8',
      maxBuffer: 1 << 26,
    });
    expect(status, stderr).toBe(0);
    const found = JSON.parse(stdout) as Record<string, number[][]>;
    let compared = 0;
    for (const [index, site] of sites.entries()) {
      const rows = x[site] ?? [];
      const expected = hookFormula(hook, site, { x: rows, tokens: TOKENS, promptLength: PROMPT_LENGTH });
      for (const [position, row] of expected.x.entries()) {
        if (expected.isUndecided[position] === true) continue;
        for (const [j, value] of row.entries()) {
          const difference = Math.abs((found[site]?.[position]?.[j] ?? NaN) - value);
          expect(difference, `${String(DICTIONARY_KINDS[index])}, position ${position}`).toBeLessThan(tolerance);
        }
        expect(Math.max(...row.map((value, j) => Math.abs(value - (rows[position]?.[j] ?? NaN))))).toBeGreaterThan(0.1);
        compared += 1;
      }
    }
    expect(compared).toBeGreaterThan(0.8 * TOKENS.length * sites.length);
  });
});
