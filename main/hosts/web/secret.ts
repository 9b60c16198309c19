// The secret that cookies are made from: 256 random bits in a file that only its owner can read. It outlives the process,
// so a page that lost its host is still signed in when the host is back.
import { randomBytes } from 'node:crypto';
import { chmod, mkdir, open, readFile, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { toAppError } from '../../contract/base/errors.ts';
import { toFileError } from '../../core/files/fileError.ts';

export const SECRET_FILE = 'web-secret';

/** @throws AppError `permission`, `disk-full`. */
export async function readSecret(folder: string): Promise<string> {
  const path = join(folder, SECRET_FILE);
  try {
    const known = (await readFile(path, 'utf8')).trim();
    if (/^[0-9a-f]{64}$/u.test(known) && (await isPrivate(path))) return known;
    await rm(path); // damaged, or others could have read it
  } catch (thrown) {
    if (toAppError(thrown).code !== 'not-found') throw toFileError(thrown, path);
  }
  return makeSecret(folder, path);
}

/** A new one in the place of the old: every browser that was signed in is signed out. @throws AppError as readSecret. */
export async function renewSecret(folder: string): Promise<string> {
  const path = join(folder, SECRET_FILE);
  await rm(path, { force: true }).catch((thrown: unknown) => {
    throw toFileError(thrown, path);
  });
  return makeSecret(folder, path);
}

async function makeSecret(folder: string, path: string): Promise<string> {
  const secret = randomBytes(32).toString('hex');
  try {
    await mkdir(folder, { recursive: true, mode: 0o700 });
    const file = await open(path, 'wx', 0o600);
    try {
      await file.writeFile(`${secret}\n`);
      await file.sync();
    } finally {
      await file.close();
    }
    await chmod(path, 0o600); // whatever the umask
    return secret;
  } catch (thrown) {
    const error = toFileError(thrown, path);
    // Another host has made it in this very moment.
    if (error.code === 'exists') return (await readFile(path, 'utf8')).trim();
    throw error;
  }
}

async function isPrivate(path: string): Promise<boolean> {
  return process.platform === 'win32' || ((await stat(path)).mode & 0o077) === 0;
}
