// Why the Hub refused, in words that say what to do. It names its reasons in the header X-Error-Code.
import { AppError } from '../../contract/base/errors.ts';

export interface Refused {
  readonly status: number;
  readonly headers: Headers;
}

export interface Asked {
  readonly repository: string;
  readonly endpoint: string;
  readonly isLoggedIn: boolean;
}

const LOG_IN = 'Log in with "hf auth login", or set HF_TOKEN.';

export function refusalOf({ status, headers }: Refused, { repository, endpoint, isLoggedIn }: Asked): AppError {
  const code = headers.get('X-Error-Code') ?? '';
  const said = headers.get('X-Error-Message') ?? '';
  const page = `${endpoint}/${repository}`;
  const details = { repository, status, reason: code };
  const permission = (text: string) => new AppError('permission', text, { details: { ...details, page } });
  if (code === 'GatedRepo') {
    if (!isLoggedIn || status === 401)
      return permission(
        `${repository} asks for an account: you are not logged in. ${LOG_IN} Then accept its terms at ${page}`,
      );
    if (/await|pending/iu.test(said))
      return permission(`${repository}: your request is waiting for its author. ${page} shows when it is granted.`);
    return permission(`${repository}: its terms are not accepted yet. Accept them at ${page} and try again.`);
  }
  if (code === 'RevisionNotFound')
    return new AppError('not-found', `${repository} has no such revision on the Hub.`, { details });
  if (code === 'EntryNotFound')
    return new AppError('not-found', `${repository} has no such file on the Hub.`, { details });
  if (code === 'RepoNotFound' || status === 404 || (status === 401 && !isLoggedIn)) {
    const orPrivate = isLoggedIn
      ? 'or your token may not read it'
      : `or it is private and you are not logged in. ${LOG_IN}`;
    return new AppError('not-found', `The Hub has no ${repository}, ${orPrivate.replace(/\.?$/u, '.')}`, { details });
  }
  if (status === 401) return permission(`The Hub does not accept your token. ${LOG_IN}`);
  if (status === 403) return permission(`${repository}: your account may not read it. ${page} says why.`);
  if (status === 429)
    return new AppError('busy', 'The Hub asks to wait: too many requests. Try again later.', { details });
  return new AppError('unreachable', `${new URL(endpoint).host} refused (${status}).`, { details });
}
