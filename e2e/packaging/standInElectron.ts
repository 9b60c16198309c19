// Stands in for Electron's distribution where it cannot be downloaded: what electron-builder copies and changes, and no
// more. Its binary is a script with the mark and the fuses that a real one has inside, so they are really set and read.
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** How @electron/fuses finds the fuses in a binary, then their version, their number and each ('0' off, '1' on). */
const FUSES = { mark: 'dL7pKGdnNz796PbbjQWNKmHXBZaB9tsX', version: 1, defaults: '10110101' };

export function writeStandIn(folder: string, version: string): void {
  mkdirSync(join(folder, 'resources'), { recursive: true });
  mkdirSync(join(folder, 'locales'));
  for (const name of ['LICENSE', 'LICENSES.chromium.html', 'chrome-sandbox']) writeFileSync(join(folder, name), name);
  writeFileSync(join(folder, 'version'), version);
  const { mark, version: wire, defaults } = FUSES;
  const binary = Buffer.concat([
    Buffer.from(`#!/bin/sh\nexit 0\n${mark}`),
    Buffer.from([wire, defaults.length]),
    Buffer.from(defaults),
  ]);
  writeFileSync(join(folder, 'electron'), binary);
  chmodSync(join(folder, 'electron'), 0o755);
}
