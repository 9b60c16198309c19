// The window in a real browser against the built web host: what people do, by mouse and by keyboard. The browser
// is chosen in browser.ts. Pictures of every view are kept in test-results/window/views.
import { defineConfig } from '@playwright/test';
import { launchOptions } from './browser.ts';
import type { WindowOptions } from './test.ts';

/** Files that begin with nothing, and those that begin with the prepared project (preparedProject.ts). */
const FROM_NOTHING = [
  'sample',
  'tour',
  'featurePage',
  'mouse',
  'keyboard',
  'trouble',
  'moved',
  'hub',
  'why',
  'importDictionary',
  'matches',
];
const PREPARED: readonly string[] = [
  'prepared',
  'editor',
  'exports',
  'versions',
  'finder',
  'features',
  'labelQueue',
  'behaviours',
  'evaluations',
  'settings',
  'storyMouse',
  'storyKeys',
];

export default defineConfig<object, WindowOptions>({
  testDir: '.',
  outputDir: '../../test-results/window/failures',
  // Each file is a project, and so has a worker, a host and an engine of its own.
  projects: [
    ...FROM_NOTHING.map((name) => ({ name, testMatch: `${name}.spec.ts` })),
    { name: 'prepare', testMatch: 'prepare.setup.ts', timeout: 600_000 },
    ...PREPARED.map((name) => ({
      name,
      testMatch: `${name}.spec.ts`,
      dependencies: ['prepare'],
      use: { isPrepared: true },
    })),
  ],
  // Two: most of a test is waiting for the window, so each leaves the other enough of two cores.
  workers: 2,
  timeout: 240_000,
  expect: { timeout: 40_000 },
  reporter: [['list']],
  use: {
    viewport: { width: 1360, height: 860 },
    locale: 'en-GB',
    timezoneId: 'UTC',
    actionTimeout: 40_000,
    trace: 'retain-on-failure',
    screenshot: 'only-on-failure',
    launchOptions: launchOptions(),
  },
});
