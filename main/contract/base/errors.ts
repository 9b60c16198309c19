// The one error that crosses process and network borders. Callers branch on `code`, never on the English sentence.

/** Stable codes. Add one when a caller needs to tell a case apart; never rename one. */
export const ERROR_CODES = [
  'usage', // wrong arguments: nothing was started
  'not-found', // a project, model, dictionary, file … that does not exist
  'no-project', // asked of a project while none is open
  'exists', // a name that is already taken
  'invalid-file', // a file that is damaged, lies about itself, or is not what it claims
  'unsupported', // well-formed, but of a kind this program cannot handle
  'mismatch', // two things that do not belong together (shapes, hashes, tokenizers)
  'unknown-site',
  'empty', // a corpus, store or selection with nothing in it
  'out-of-memory',
  'disk-full',
  'permission',
  'device', // the compute device is absent or failed
  'diverged', // training hit NaN or an exploding loss
  'verification-failed', // an export that does not do what the workbench showed
  'conflict', // two people or processes changed the same thing
  'locked', // held by another process
  'cancelled',
  'engine-crashed',
  'disconnected', // a page lost its host: what it asked for may or may not have been done
  'unreachable', // a server that the person named does not answer, or not as it should
  'busy', // more at once than is allowed: try again
  'internal',
] as const;

export type ErrorCode = (typeof ERROR_CODES)[number];

/** Facts for machines beside the sentence for people: the file, the expected and the actual value … JSON only. */
export type ErrorDetails = Readonly<Record<string, string | number | boolean | null | readonly (string | number)[]>>;

/** The plain shape an AppError has on a wire. */
export interface SerializedError {
  readonly code: ErrorCode;
  readonly message: string;
  readonly details?: ErrorDetails;
  readonly stack?: string;
}

export class AppError extends Error {
  readonly code: ErrorCode;
  readonly details: ErrorDetails;

  /** @param message one sentence for a person that names the file or thing and the reason. */
  constructor(code: ErrorCode, message: string, options: { details?: ErrorDetails; cause?: unknown } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = 'AppError';
    this.code = code;
    this.details = options.details ?? {};
  }
}

const NODE_ERROR_CODES: Readonly<Record<string, { code: ErrorCode; reason: string }>> = {
  ENOENT: { code: 'not-found', reason: 'it does not exist' },
  ENOTDIR: { code: 'not-found', reason: 'a part of the path is not a folder' },
  EISDIR: { code: 'invalid-file', reason: 'it is a folder, not a file' },
  EEXIST: { code: 'exists', reason: 'it exists already' },
  ENAMETOOLONG: { code: 'invalid-file', reason: 'the name is too long' },
  ELOOP: { code: 'invalid-file', reason: 'its links lead in a circle' },
  ENOTEMPTY: { code: 'exists', reason: 'the folder is not empty' },
  ENOSPC: { code: 'disk-full', reason: 'the disk is full' },
  EDQUOT: { code: 'disk-full', reason: 'the disk quota is used up' },
  EFBIG: { code: 'disk-full', reason: 'the file would be larger than allowed' },
  EACCES: { code: 'permission', reason: 'permission denied' },
  EPERM: { code: 'permission', reason: 'operation not permitted' },
  EROFS: { code: 'permission', reason: 'the file system is read-only' },
};

/** Turns anything thrown into an AppError; file-system errors keep their meaning and name their path. */
export function toAppError(thrown: unknown): AppError {
  if (thrown instanceof AppError) return thrown;
  if (thrown instanceof Error) {
    const { code, path } = thrown as Error & { code?: string; path?: string }; // of Node's own
    const known = code === undefined ? undefined : NODE_ERROR_CODES[code];
    if (known) {
      const subject = path === undefined ? 'A file operation failed' : path;
      return new AppError(known.code, `${subject}: ${known.reason}.`, {
        cause: thrown,
        details: path === undefined ? {} : { path },
      });
    }
    if (thrown.name === 'AbortError') return new AppError('cancelled', 'Cancelled.', { cause: thrown });
    return new AppError('internal', thrown.message, { cause: thrown });
  }
  return new AppError('internal', String(thrown));
}

export function serializeError(thrown: unknown): SerializedError {
  const error = toAppError(thrown);
  const cause = error.cause instanceof Error ? error.cause.stack : undefined;
  const stack = cause ?? error.stack;
  return {
    code: error.code,
    message: error.message,
    ...(Object.keys(error.details).length > 0 ? { details: error.details } : {}),
    ...(stack === undefined ? {} : { stack }),
  };
}

export function deserializeError(serialized: SerializedError): AppError {
  const error = new AppError(serialized.code, serialized.message, {
    ...(serialized.details ? { details: serialized.details } : {}),
  });
  if (serialized.stack !== undefined) error.stack = serialized.stack;
  return error;
}
