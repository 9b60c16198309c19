// The web host: serves the workbench to a browser on this machine. In this version the window shows which host serves it;
// the work is done with the command line.
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { AppError, toAppError } from '../../contract/errors.ts';
import packageFacts from '../../../package.json' with { type: 'json' };
import { loadPages } from '../pages.ts';
import { serveOnLoopback } from './server.ts';

try {
  const { values } = parseArgs({ options: { port: { type: 'string', default: '0' } } });
  const port = Number(values.port);
  if (!Number.isInteger(port) || port < 0 || port > 65535) throw new AppError('usage', `${values.port} is not a port.`);
  const renderer = join(dirname(fileURLToPath(import.meta.url)), '../renderer');
  const pages = await loadPages(renderer, { kind: 'web', version: packageFacts.version });
  const server = await serveOnLoopback(pages, port);
  process.stdout.write(`Errata is served on ${server.url} (this machine only). Ctrl-C stops it.\n`);
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => void server.close());
} catch (thrown) {
  process.stderr.write(`errata: ${toAppError(thrown).message}\n`);
  process.exitCode = 1;
}
