// What SQLite's errors mean to a person: which file, what happened, what can be done about it.
import { SqliteError } from 'better-sqlite3';
import { AppError } from '../contract/base/errors.ts';

/**
 * @param path the database file, for the message.
 * @param holders who else has the project open, asked for only when it is locked.
 * @returns an AppError for SQLite's errors; anything else as it is.
 */
export function translateSqliteError(
  thrown: unknown,
  path: string,
  holders: () => readonly string[] = () => [],
): unknown {
  if (!(thrown instanceof SqliteError)) return thrown;
  const { code } = thrown;
  const options = { cause: thrown, details: { path, sqlite: code } };
  if (code.startsWith('SQLITE_BUSY') || code.startsWith('SQLITE_LOCKED')) {
    const names = holders();
    const who = names.length === 0 ? 'another process' : names.join(', ');
    return new AppError('locked', `${path}: it is being written by ${who}. Nothing was changed; try again.`, {
      ...options,
      details: { ...options.details, holders: names },
    });
  }
  if (code === 'SQLITE_FULL' || /^SQLITE_IOERR_(WRITE|FSYNC|DIR_FSYNC|TRUNCATE|SHMSIZE)$/u.test(code)) {
    return new AppError(
      'disk-full',
      `${path}: it could not be written: the disk is full. Nothing was changed; what was saved before is kept.`,
      options,
    );
  }
  if (code.startsWith('SQLITE_CORRUPT') || code === 'SQLITE_NOTADB' || isNonsense(code, thrown.message)) {
    return new AppError(
      'invalid-file',
      `${path}: the database is damaged. It was left as it is; restore the last backup, or save what can still be read.`,
      { ...options, details: { ...options.details, damaged: true } },
    );
  }
  if (
    code.startsWith('SQLITE_READONLY') ||
    code.startsWith('SQLITE_CANTOPEN') ||
    code === 'SQLITE_PERM' ||
    code === 'SQLITE_AUTH'
  ) {
    return new AppError(
      'permission',
      `${path}: the project cannot be written here (folder or file is read-only). Open it read-only, or copy it elsewhere.`,
      options,
    );
  }
  if (code.startsWith('SQLITE_IOERR')) return new AppError('internal', `${path}: the disk failed (${code}).`, options);
  if (code === 'SQLITE_NOMEM') return new AppError('out-of-memory', `${path}: out of memory.`, options);
  if (code === 'SQLITE_TOOBIG') return new AppError('usage', `${path}: a text is too long to store.`, options);
  return thrown;
}

/** Our statements fit our schema: where SQLite says they do not, the stored schema is not ours any more. */
function isNonsense(code: string, message: string): boolean {
  if (code === 'SQLITE_IOERR_SHORT_READ') return true;
  return (
    code === 'SQLITE_ERROR' &&
    /^(no such (table|column|index)|unsupported file format|SQL logic error|malformed|error in )/u.test(message)
  );
}
