// The web host: the workbench in a browser, for machines without a screen of their own and for the tests. It prints one
// address that signs in whoever opens it first; Enter prints another one.
import { homedir } from 'node:os';
import { join } from 'node:path';
import packageFacts from '../../../package.json' with { type: 'json' };
import { toAppError } from '../../contract/base/errors.ts';
import { forkLauncher } from '../../engine/launcher.ts';
import { createHost } from '../api/createHost.ts';
import { storageThread } from '../../storage/storageWork.ts';
import { BrowsedFiles } from '../api/places.ts';
import { dataFolder } from '../dataFolder.ts';
import { openBrowser } from '../openBrowser.ts';
import { loadPages } from '../pages.ts';
import { SERVE_HELP, serveOptions } from './options.ts';
import { readSecret, renewSecret } from './secret.ts';
import { serveWeb } from './server.ts';

const say = (line: string) => process.stdout.write(`${line}\n`);
const complain = (line: string) => process.stderr.write(`errata: ${line}\n`);

/** @param here the folder of the built program, out/main. */
export async function serve(here: string): Promise<void> {
  try {
    await main(here);
  } catch (thrown) {
    const error = toAppError(thrown);
    const isTaken = thrown instanceof Error && 'code' in thrown && thrown.code === 'EADDRINUSE';
    complain(isTaken ? 'The port is taken by another program: choose another with --port.' : error.message);
    process.exitCode = error.code === 'usage' ? 2 : 1;
  }
}

async function main(here: string): Promise<void> {
  const options = serveOptions(process.argv.slice(2));
  if (options.help) {
    say(SERVE_HELP);
    return;
  }
  const data = dataFolder();
  const roots = [
    homedir(),
    process.cwd(),
    data,
    ...options.roots,
    ...(options.project === null ? [] : [options.project]),
  ];
  const host = await createHost({
    kind: 'web',
    name: 'the web host',
    version: packageFacts.version,
    dataFolder: data,
    sampleFolder: join(here, '../../resources/sample'),
    thread: storageThread(join(here, 'storage.js')),
    launch: forkLauncher(join(here, 'engine.js')),
    files: (locations) => new BrowsedFiles(roots, locations),
    signOut: async () => {
      server.signOut(await renewSecret(data));
      say(`Everybody is signed out. This address signs in again:\n  ${server.launchUrl()}`);
    },
    log: complain,
  });
  if (options.project !== null) await host.context.open(options.project, { isSample: false });
  const facts = { kind: 'web', version: packageFacts.version } as const;
  const server = await serveWeb({
    answer: await loadPages(join(here, '../renderer'), facts, (request) => host.blob(request)),
    served: host.served,
    secret: await readSecret(data),
    port: options.port,
    address: options.address,
    names: options.names,
  });

  let isStopping = false;
  const stop = () => {
    if (isStopping) process.exit(130); // asked twice: at once
    isStopping = true;
    say('Stopping; jobs are left at their last checkpoint.');
    void server
      .close()
      .then(() => host.stop())
      .finally(() => process.exit());
  };
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, stop);

  if (options.isExposed) {
    complain(
      `warning: it listens on ${options.address}, without encryption. Other machines can reach it and read along.`,
    );
  }
  const url = server.launchUrl();
  say(`Errata is served on this address, which works once:\n  ${url}\nCtrl-C stops it.`);
  if (options.open && !(await openBrowser(url))) say('There is no browser here to open it with.');
  if (process.stdin.isTTY) {
    say('Enter gives another address.');
    process.stdin.on('data', () => say(`  ${server.launchUrl()}`)).unref();
  }
}
