// The built program for another user of this machine, where the tests run as root. Others may not reach the clone (under /root,
// say); then they get it linked into a folder that they reach. Nothing is copied: node_modules is large.
import { spawnSync } from 'node:child_process';
import { chmodSync, mkdirSync } from 'node:fs';
import { join, relative } from 'node:path';

/** By custom `nobody`: owns nothing. */
export const ANOTHER_USER = 65534;

export interface Program {
  readonly node: string;
  readonly script: string;
}

/** What `npm start` needs of a clone that is built. */
const PARTS = ['bin', 'out', 'package.json', 'node_modules'];

/**
 * @param script inside `root`.
 * @param folder one that others reach, for the links.
 * @returns the script and a Node that another user can run; null: there is no way to it.
 */
export function programForAnotherUser(root: string, script: string, folder: string): Program | null {
  const here = { node: process.execPath, script };
  if (isReachable(here)) return here;
  const clone = join(folder, 'clone');
  mkdirSync(clone);
  chmodSync(clone, 0o755);
  const { status } = spawnSync('cp', ['-al', ...PARTS.map((part) => join(root, part)), clone], { stdio: 'ignore' });
  const linked = (path: string) => {
    const inside = relative(root, path);
    return inside.startsWith('..') ? path : join(clone, inside);
  };
  const there = { node: linked(process.execPath), script: linked(script) };
  return status === 0 && isReachable(there) ? there : null;
}

function isReachable({ node, script }: Program): boolean {
  const identity = { uid: ANOTHER_USER, gid: ANOTHER_USER };
  return spawnSync(node, [script, '--help'], { cwd: '/', ...identity }).status === 0;
}
