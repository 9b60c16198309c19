#!/usr/bin/env node
// What `npx errata` runs. It is here before anything is built, so that npm can link it, and so that it can say what to do.
import { existsSync } from 'node:fs';

const built = new URL('../out/main/cli.js', import.meta.url);
if (existsSync(built)) {
  await import(built.href);
} else {
  process.stderr.write('errata is not built yet: run npm ci && npm run build in its folder.\n');
  process.exitCode = 1;
}
