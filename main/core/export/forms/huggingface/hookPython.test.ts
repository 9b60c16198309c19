// errata_edit.py does for every kind of operation what its definition says: run by Python alone, since torch is seldom there.
import { spawnSync } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { OPERATION_KINDS, OPERATIONS, type OperationKind } from '../../../../contract/domain/operations/index.ts';
import { temporaryFolder } from '../../../../testing/models/temporaryFolder.ts';
import { HOOK_PYTHON } from './hookPython.ts';

const python = process.env['ERRATA_PYTHON'] ?? 'python3';
const hasPython = spawnSync(python, ['-c', 'pass']).status === 0;
if (!hasPython) console.log('skipped: errata_edit.py computing each kind of operation, because there is no Python');

const GAINS = fileURLToPath(new URL('../../../../testing/export/gains.py', import.meta.url));
const X = [[0.5, -1, 2], [0, 0, 0], [3, 1, -0.25], [-1, 4, 1]]; // prettier-ignore
const F = [0, 0.3, 2.75, 40];

interface Case {
  readonly kind: OperationKind;
  readonly number: number | null;
  readonly f: readonly number[];
  readonly x: readonly (readonly number[])[];
  readonly d: readonly number[];
}

function casesOf(kind: OperationKind): Case[] {
  const numbers = OPERATIONS[kind].number === null ? [null] : [-2, 0, 1, 2.5];
  const directions = [[1, 2, -0.5], [0, 0, 0]]; // prettier-ignore
  return directions.flatMap((d) => numbers.map((number) => ({ kind, number, f: F, x: X, d })));
}

function defined({ kind, number, f, x, d }: Case): number[] {
  const { reads, gain } = OPERATIONS[kind];
  const dot = (a: readonly number[]) => a.reduce((sum, value, j) => sum + value * (d[j] ?? NaN), 0);
  const projections = x.map((row) => (dot(d) > 0 ? dot(row) / dot(d) : 0));
  return (reads === 'stream' ? projections : f).map((s) => gain(s, number ?? 0));
}

async function runPython(code: string, cases: readonly Case[]): Promise<{ gains: number[][] | null; errors: string }> {
  const path = join(await temporaryFolder(), 'errata_edit.py');
  await writeFile(path, code);
  const { status, stdout, stderr } = spawnSync(python, ['-B', GAINS, path], {
    input: JSON.stringify(cases),
    encoding: 'utf8',
  });
  return { gains: status === 0 ? (JSON.parse(stdout) as number[][]) : null, errors: stderr };
}

describe('the Python of a hook', () => {
  it('knows the kinds of operations by the names that edits have for them', () => {
    const named = [...HOOK_PYTHON.matchAll(/kind == "(\w+)"/gu)].map(([, kind]) => kind);
    expect(named).toEqual(OPERATION_KINDS);
  });

  it.skipIf(!hasPython)('adds for every kind what its definition adds', async () => {
    const cases = OPERATION_KINDS.flatMap(casesOf);
    const { gains, errors } = await runPython(HOOK_PYTHON, cases);
    expect(errors).toBe('');
    for (const [index, each] of cases.entries()) {
      const wanted = defined(each);
      expect(gains?.[index]).toHaveLength(wanted.length);
      for (const [at, value] of wanted.entries()) expect(gains?.[index]?.[at], each.kind).toBeCloseTo(value, 12);
    }
  });

  it.skipIf(!hasPython)('refuses a kind that it does not know, rather than leave it out', async () => {
    const { gains, errors } = await runPython(HOOK_PYTHON.replace('"ablate"', '"ablated"'), casesOf('ablate'));
    expect(gains).toBeNull();
    expect(errors).toContain('unknown operation ablate');
  });
});
