import { describe, expect, it, vi } from 'vitest';
import { attempt, provide, type Need } from './provide.ts';

/** A machine on which packages are installed or not; `needs` are met by them. */
function machine(...available: readonly string[]) {
  const installed = new Set<string>();
  const asked: string[] = [];
  const install = (packages: readonly string[]) => {
    asked.push(packages.join(' '));
    if (packages.every((name) => available.includes(name))) packages.forEach((name) => installed.add(name));
  };
  const need = (...packages: readonly string[]): Need => ({
    packages,
    isMet: () => packages.every((name) => installed.has(name)),
    tests: `the tests of ${packages[0]!}`,
  });
  return { installed, asked, install, need };
}

describe('providing what tests need', () => {
  it('installs what is missing, and only that', async () => {
    const { installed, asked, install, need } = machine('a', 'b', 'c');
    installed.add('a');
    expect(await provide([need('a'), need('b', 'c')], install)).toEqual([]);
    expect(asked).toEqual(['b c']);
  });

  it('says in one line each what cannot be had, and goes on to the next', async () => {
    const { installed, install, need } = machine('d');
    expect(await provide([need('b', 'c'), need('d')], install)).toEqual([
      'Missing: b c (Debian: apt-get install b c). Skipped: the tests of b.',
    ]);
    expect([...installed]).toEqual(['d']);
  });

  it('tries another way only where the packages did not meet the need', async () => {
    const { installed, install, need } = machine('a');
    const ways: string[] = [];
    const otherwise = (name: string) => ({
      otherwise: () => {
        ways.push(name);
        installed.add(name);
      },
    });
    const needs = [
      { ...need('a'), ...otherwise('a') },
      { ...need('b'), ...otherwise('b') },
    ];
    expect(await provide(needs, install)).toEqual([]);
    expect(ways).toEqual(['b']);
  });
});

describe('an attempt to bring something', () => {
  it.each([
    ['that is not here', 'no-such-program', [], 'It failed: spawnSync no-such-program ENOENT'],
    ['that says why', process.execPath, ['-e', 'throw new Error("no network")'], 'It failed: Error: no network'],
    ['that says nothing', process.execPath, ['-e', 'process.exit(3)'], 'It failed: status 3'],
  ])('by a program %s fails in one line, and goes on', (_, command, args, line) => {
    const log = vi.spyOn(console, 'log').mockImplementation(() => undefined);
    attempt('It', command, args);
    expect(log.mock.calls).toEqual([['It…'], [line]]);
    log.mockRestore();
  });
});
