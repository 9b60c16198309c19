// What the tests need that npm does not bring. A row is a need: Debian's packages, how to see that it is met, and which tests
// skip without it. A row whose tests may not be there is harmless.
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { hasBrowser } from '../e2e/window/browser.ts';
import { missingForSoftwareWebGpu } from '../main/testing/engine/softwareWebGpu.ts';
import { attempt, type Need } from './provide.ts';

const succeeds = (command: string, ...args: string[]) => spawnSync(command, args, { stdio: 'ignore' }).status === 0;
const python = process.env['ERRATA_PYTHON'] ?? 'python3';

export const NEEDS: readonly Need[] = [
  { packages: ['chromium'], isMet: hasBrowser, tests: 'the tests of the window', otherwise: downloadBrowser },
  {
    packages: ['chromium', 'libvulkan1'],
    isMet: () => missingForSoftwareWebGpu() === null,
    tests: 'the tests of WebGPU, which a software driver computes',
  },
  {
    packages: ['python3', 'python3-numpy'],
    isMet: () => succeeds(python, '-c', 'import numpy'),
    tests: 'the tests of exported Python',
  },
];

/** Playwright's own, for whom Debian's is out of reach. It needs libraries of the system, so it may not start. */
function downloadBrowser(): void {
  const playwright = join(import.meta.dirname, '../node_modules/.bin/playwright');
  attempt('Downloading Playwright’s chromium', playwright, ['install', '--only-shell', 'chromium']);
}
