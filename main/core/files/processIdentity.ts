// Which process this is, told so that another one can find out later whether it still runs. A process id alone is given to
// other processes, at the latest after a restart of the machine.
import { createHash } from 'node:crypto';
import { readFileSync, readlinkSync } from 'node:fs';
import { hostname } from 'node:os';

export interface ProcessIdentity {
  readonly pid: number;
  readonly machine: string;
  /** When the process began; empty where the system does not tell. As are the next two. */
  readonly started: string;
  /** Of the machine's last start. */
  readonly boot: string;
  /** Within which the process id holds: containers have their own. */
  readonly namespace: string;
}

export function thisProcess(): ProcessIdentity {
  return {
    pid: process.pid,
    machine: hostname(),
    started: startOf(process.pid),
    boot: told(() => readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()),
    namespace: told(() => readlinkSync('/proc/self/ns/pid')),
  };
}

let place: string | undefined;

/**
 * Names, in 8 hexadecimal digits, the machine and container within which a process id of this process means something.
 * A restart of the machine does not change it.
 */
export function placeOfProcesses(): string {
  if (place !== undefined) return place;
  const { machine, namespace } = thisProcess();
  const machineId = told(() => readFileSync('/etc/machine-id', 'utf8').trim());
  place = createHash('sha256').update([machine, machineId, namespace].join('\n')).digest('hex').slice(0, 8);
  return place;
}

/** Null: it cannot be seen from here whether the process runs. */
export function isRunning(other: ProcessIdentity, here: ProcessIdentity = thisProcess()): boolean | null {
  if (other.machine !== here.machine) return null;
  if (other.boot !== here.boot) return false;
  if (other.namespace !== here.namespace) return null;
  if (!isAlive(other.pid)) return false;
  const started = startOf(other.pid);
  return started === '' || other.started === '' || started === other.started;
}

/** Whether this machine has a process with this id; also true for one of another user. */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (thrown) {
    return thrown instanceof Error && 'code' in thrown && thrown.code === 'EPERM';
  }
}

/** Linux: in ticks since the machine's start, the 22nd field; the second, a name in brackets, may hold anything. */
function startOf(pid: number): string {
  return told(() => {
    const line = readFileSync(`/proc/${pid}/stat`, 'utf8');
    return line.slice(line.lastIndexOf(')') + 2).split(' ')[19] ?? '';
  });
}

/** Empty where the system has no such file, or does not show it. */
function told(read: () => string): string {
  try {
    return read();
  } catch {
    return '';
  }
}
