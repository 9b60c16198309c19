// Brings what the tests need that npm does not: Debian's packages, where root runs the tests and apt-get is here. Nothing fails
// for what cannot be had; it is said in a line, and the tests that need it skip.
import { spawnSync } from 'node:child_process';

export interface Need {
  /** Debian's names of what meets it. */
  readonly packages: readonly string[];
  readonly isMet: () => boolean | Promise<boolean>;
  /** The tests that skip without it. */
  readonly tests: string;
  /** Another way to meet it, tried where the packages did not. */
  readonly otherwise?: () => void;
}

/** Tries to meet each need that is not met. @returns a line for each that stays unmet. */
export async function provide(
  needs: readonly Need[],
  install: (packages: readonly string[]) => void = debianInstaller(),
): Promise<string[]> {
  const missing: string[] = [];
  for (const { packages, isMet, tests, otherwise } of needs) {
    const ways = [() => install(packages), ...(otherwise ? [otherwise] : [])];
    let isThere = await isMet();
    for (const bring of ways) {
      if (isThere) break;
      bring();
      isThere = await isMet();
    }
    const names = packages.join(' ');
    if (!isThere) missing.push(`Missing: ${names} (Debian: apt-get install ${names}). Skipped: ${tests}.`);
  }
  return missing;
}

const INSTALL_MS = 15 * 60_000;

/** Runs a program that brings something. What fails is a line, and nothing more. */
export function attempt(what: string, command: string, args: readonly string[], env: NodeJS.ProcessEnv = {}): void {
  console.log(`${what}…`);
  const { status, stderr, error } = spawnSync(command, args, {
    stdio: ['ignore', 'ignore', 'pipe'],
    encoding: 'utf8',
    env: { ...process.env, ...env },
    timeout: INSTALL_MS,
  });
  if (status === 0) return;
  const said = () => stderr.split('\n').find((line) => /^E: |Error: /u.test(line));
  console.log(`${what} failed: ${error?.message ?? said() ?? `status ${status}`}`);
}

/** @returns a function that installs packages where it may: it does nothing without root or apt-get. */
function debianInstaller(): (packages: readonly string[]) => void {
  const mayInstall = process.getuid?.() === 0 && spawnSync('apt-get', ['--version'], { stdio: 'ignore' }).status === 0;
  const apt = (what: string, ...words: string[]) => {
    // Another program may be installing at this moment; a network that does not answer is not waited for long.
    const options = ['DPkg::Lock::Timeout=300', 'Acquire::Retries=1', 'Acquire::http::Timeout=30'];
    const args = ['-qq', ...options.flatMap((option) => ['-o', option]), ...words];
    attempt(what, 'apt-get', args, { DEBIAN_FRONTEND: 'noninteractive' });
  };
  let isUpdated = false;
  return (packages) => {
    if (!mayInstall) return;
    if (!isUpdated) apt('Reading the lists of Debian’s packages', 'update');
    isUpdated = true;
    apt(`Installing ${packages.join(', ')}`, 'install', '-y', '--no-install-recommends', ...packages);
  };
}
