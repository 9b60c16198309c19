// Whose work it is, where nobody says: the environment's word, or the name of the account.
import { userInfo } from 'node:os';

export function defaultAuthor(): string {
  return process.env['ERRATA_AUTHOR'] || accountName();
}

function accountName(): string {
  try {
    return userInfo().username || 'unknown';
  } catch {
    return 'unknown'; // an account without a name, as containers have
  }
}
