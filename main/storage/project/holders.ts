// Processes that have a project open: several may, and each can tell who the others are.
import { hostname } from 'node:os';
import { AppError } from '../../contract/base/errors.ts';
import type { Database } from '../database.ts';

interface HolderRow {
  readonly id: number;
  readonly pid: number;
  readonly machine: string;
  readonly host: string;
  readonly since: string;
}

/** Lists this process among those that have the project open; those that died without leaving are taken off. @returns its row. */
export function register(database: Database, host: string, time: string): number {
  return database.write(() => {
    for (const { id, pid, machine } of database
      .query<[], HolderRow>('SELECT id, pid, machine, host, since FROM holders')
      .all()) {
      if (machine === hostname() && !isAlive(pid)) database.query<[number]>('DELETE FROM holders WHERE id = ?').run(id);
    }
    const row = database
      .query<[number, string, string, string], { id: number }>(
        'INSERT INTO holders (pid, machine, host, since) VALUES (?, ?, ?, ?) RETURNING id',
      )
      .get(process.pid, hostname(), host, time);
    if (row === undefined) throw new AppError('internal', 'The process was not registered.');
    return row.id;
  });
}

/** Who else has the project open, in words. */
export function otherHolders(database: Database, own: number): readonly string[] {
  return database
    .query<[number], HolderRow>('SELECT id, pid, machine, host, since FROM holders WHERE id <> ?')
    .all(own)
    .filter(({ pid, machine }) => machine !== hostname() || isAlive(pid))
    .map(
      ({ pid, machine, host, since }) =>
        `${host} (process ${pid}${machine === hostname() ? '' : ` on ${machine}`}, since ${since})`,
    );
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (thrown) {
    return thrown instanceof Error && 'code' in thrown && thrown.code === 'EPERM';
  }
}
