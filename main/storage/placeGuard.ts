// Notices that a database was replaced, moved or deleted while it is open. SQLite goes on with the files that it holds, and
// so everything written since would be in files that nobody opens again.
import { statSync } from 'node:fs';
import { AppError } from '../contract/base/errors.ts';

/** Names a file whatever it is called: another one at its path has another. Null: there is none. */
type FileIdentity = string | null;

function identityOf(path: string): FileIdentity {
  try {
    const { dev, ino } = statSync(path, { bigint: true });
    return `${dev} ${ino}`;
  } catch {
    return null; // gone, or out of reach, which comes to the same
  }
}

export class PlaceGuard {
  readonly #path: string;
  readonly #database: FileIdentity;
  /** SQLite makes the log with the first transaction, and keeps the file until the last connection is closed. */
  #log: FileIdentity = null;

  /** @param path of a database that this process has just opened. */
  constructor(path: string) {
    this.#path = path;
    this.#database = identityOf(path);
  }

  /** What has happened to the files, in a word; null: they are where they were opened. */
  look(): 'moved or deleted' | 'replaced' | null {
    const expected = [this.#database, this.#log];
    const found = [identityOf(this.#path), identityOf(`${this.#path}-wal`)];
    this.#log ??= found[1] ?? null;
    const changed = found.filter((identity, index) => expected[index] !== null && identity !== expected[index]);
    if (changed.length === 0) return null;
    return changed.includes(null) ? 'moved or deleted' : 'replaced';
  }

  /**
   * @param consequence what that means for what was just asked for.
   * @throws AppError('conflict') when the files are not where they were opened.
   */
  check(consequence: string): void {
    const what = this.look();
    if (what === null) return;
    throw new AppError(
      'conflict',
      `${this.#path}: the project’s database was ${what} while it was open here. ${consequence} Close the project and open it again.`,
      { details: { path: this.#path, replaced: true } },
    );
  }
}
