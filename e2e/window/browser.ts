// The browser that shows the window to tests and benchmarks: the one that ERRATA_CHROMIUM names, else Debian's chromium,
// else the one that Playwright has downloaded.
import { existsSync } from 'node:fs';
import { chromium } from '@playwright/test';

const executable = process.env['ERRATA_CHROMIUM'] ?? '/usr/bin/chromium';

/** A function, since the browser may be installed meanwhile. */
export function launchOptions(): { executablePath?: string } {
  return existsSync(executable) ? { executablePath: executable } : {};
}

/** Shows if a browser is here that starts: one without the libraries that it needs does not. */
export async function hasBrowser(): Promise<boolean> {
  try {
    const browser = await chromium.launch(launchOptions());
    await browser.close();
    return true;
  } catch {
    return false;
  }
}
