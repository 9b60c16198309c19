// The command line of the web host.
import { networkInterfaces, hostname } from 'node:os';
import { isIPv6 } from 'node:net';
import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { AppError } from '../../contract/base/errors.ts';
import { LOOPBACK } from './server.ts';

export interface ServeOptions {
  readonly port: number;
  readonly address: string;
  /** Names under which the page may be asked for besides those of this machine's loopback. */
  readonly names: readonly string[];
  /** Other machines can reach it. */
  readonly isExposed: boolean;
  readonly project: string | null;
  /** Folders that may be browsed, besides the usual ones. */
  readonly roots: readonly string[];
  /** Open the browser. */
  readonly open: boolean;
  readonly help: boolean;
}

export const SERVE_HELP = `npm run serve: the workbench in a browser, on this machine only.

  --port PORT       where to listen; any free port when left out
  --project FOLDER  open this project
  --root FOLDER     a folder whose files may be chosen, besides your home and the current one; may be repeated
  --open            open the browser
  --host ADDRESS    listen on another address. Without encryption: anyone who can reach it or read along can do
                    all that you can. For a remote machine, forward a port instead: ssh -L PORT:127.0.0.1:PORT machine
`;

/** @throws AppError `usage`. */
export function serveOptions(words: readonly string[]): ServeOptions {
  const { values } = parse(words);
  const port = Number(values.port ?? 0);
  if (!Number.isInteger(port) || port < 0 || port > 65535 || values.port === '') {
    throw new AppError('usage', `--port: ${values.port ?? ''} is not a port.`);
  }
  const address = values.host ?? LOOPBACK;
  if (address === '') throw new AppError('usage', '--host: give an address.');
  const isExposed = !['127.0.0.1', 'localhost', '::1'].includes(address);
  return {
    port,
    address,
    names: isExposed ? namesOf(address) : [],
    isExposed,
    project: values.project === undefined ? null : resolve(values.project),
    roots: (values.root ?? []).map((root) => resolve(root)),
    open: values.open ?? false,
    help: values.help ?? false,
  };
}

function parse(words: readonly string[]) {
  try {
    return parseArgs({
      args: [...words],
      options: {
        port: { type: 'string' },
        project: { type: 'string' },
        root: { type: 'string', multiple: true },
        host: { type: 'string' },
        open: { type: 'boolean' },
        help: { type: 'boolean', short: 'h' },
      },
    });
  } catch (thrown) {
    throw new AppError('usage', thrown instanceof Error ? thrown.message : String(thrown));
  }
}

/** What a browser elsewhere may call this machine: its addresses, as Host spells them, and its name. */
function namesOf(address: string): readonly string[] {
  const spelled = (ip: string) => (isIPv6(ip) ? `[${ip}]` : ip);
  if (address !== '0.0.0.0' && address !== '::') return [spelled(address)];
  const own = Object.values(networkInterfaces()).flatMap((addresses) =>
    (addresses ?? []).map(({ address: ip }) => spelled(ip)),
  );
  return [...new Set([...own, hostname().toLowerCase()])];
}
