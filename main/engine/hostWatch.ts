// A thread of the engine process that ends the process when its host has died. The engine's own thread notices a closed
// channel only when it is free, and a single run of a session can hold it for minutes; until then it would compute for
// nobody, and write beside the engine that the next host starts.
import { workerData } from 'node:worker_threads';

const LOOK_EVERY_MS = 100;

const { host } = workerData as { readonly host: number }; // of engineProcess.ts

setInterval(() => {
  // An orphan gets another parent, except on Windows, where it keeps the number of a process that is gone.
  if (process.ppid !== host || !isAlive(host)) process.kill(process.pid, 'SIGKILL');
}, LOOK_EVERY_MS);

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (thrown) {
    return (thrown as NodeJS.ErrnoException).code !== 'ESRCH'; // of Node's own
  }
}
