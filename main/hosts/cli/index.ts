// The entry of the command line. It imports nothing that needs a current Node before it knows that it has one: started by
// an old Node (npx under the system's own), it goes on in the one that this package brings.
import { spawn } from 'node:child_process';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const OLDEST_NODE_MAJOR = 22;
const REEXECUTED = 'ERRATA_REEXECUTED';

if (Number(process.versions.node.split('.')[0]) >= OLDEST_NODE_MAJOR) {
  if (process.env[REEXECUTED] !== undefined) {
    process.on('disconnect', () => process.kill(process.pid, 'SIGKILL'));
    process.channel?.unref();
  }
  const { main } = await import('./main.ts');
  const here = fileURLToPath(import.meta.url);
  const engine = here.endsWith('.ts') ? join(dirname(here), '../../engine/index.ts') : join(dirname(here), 'engine.js');
  process.exitCode = await main(process.argv.slice(2), engine);
} else {
  process.exitCode = await runInPackagedNode();
}

async function runInPackagedNode(): Promise<number> {
  const explanation = `errata needs Node ${OLDEST_NODE_MAJOR} or newer, and was started by ${process.version}.`;
  let node: string;
  try {
    node = join(dirname(createRequire(import.meta.url).resolve('node/package.json')), 'bin', 'node');
  } catch {
    process.stderr.write(`${explanation} Run npm ci in its folder: that brings the right one.\n`);
    return 1;
  }
  if (process.env[REEXECUTED] !== undefined) {
    process.stderr.write(`${explanation} The one in ${node} is too old as well.\n`);
    return 1;
  }
  const child = spawn(node, process.argv.slice(1), {
    // The channel carries nothing. It closes with this process, however that ends, and the child then ends too.
    stdio: ['inherit', 'inherit', 'inherit', 'ipc'],
    env: { ...process.env, [REEXECUTED]: '1' },
  });
  // Ctrl-C reaches the child by itself; this process only waits for it.
  process.on('SIGINT', () => undefined);
  process.on('SIGTERM', () => child.kill('SIGTERM'));
  return new Promise((resolve) => {
    child.on('error', (error) => {
      process.stderr.write(`${explanation} ${error.message}\n`);
      resolve(1);
    });
    child.on('close', (code, signal) => resolve(code ?? (signal === 'SIGINT' ? 130 : 1)));
  });
}
