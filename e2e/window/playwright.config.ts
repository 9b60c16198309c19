// The window in a real browser against the built web host: what people do, by mouse and by keyboard. Debian's chromium is
// taken where it is, else the one that Playwright has downloaded. Pictures of every view are kept in test-results/window/views.
import { existsSync } from 'node:fs';
import { defineConfig } from '@playwright/test';

const chromium = process.env['ERRATA_CHROMIUM'] ?? '/usr/bin/chromium';

export default defineConfig({
  testDir: '.',
  outputDir: '../../test-results/window/failures',
  // Each file is a project, and so has a worker, a host and an engine of its own. Those want the cores.
  projects: ['mouse', 'keyboard', 'trouble'].map((name) => ({ name, testMatch: `${name}.spec.ts` })),
  workers: 1,
  timeout: 180_000,
  expect: { timeout: 20_000 },
  reporter: [['list']],
  use: {
    viewport: { width: 1360, height: 860 },
    locale: 'en-GB',
    timezoneId: 'UTC',
    actionTimeout: 20_000,
    trace: 'retain-on-failure',
    screenshot: 'only-on-failure',
    launchOptions: existsSync(chromium) ? { executablePath: chromium } : {},
  },
});
