// An artifact opened from its files alone, as sessions that give logits: compared in the same way whatever its form.
import type { Session } from '../onnx/runtime.ts';
import type { FeedsOf } from './modelRuns.ts';

export interface ArtifactModel {
  /** A new session each time; the caller releases it. */
  open(cache: boolean): Promise<Session>;
  readonly feedsOf: FeedsOf;
}

/** A session, released whatever happens. */
export async function withSession<T>(opening: Promise<Session>, use: (session: Session) => Promise<T>): Promise<T> {
  const session = await opening;
  try {
    return await use(session);
  } finally {
    await session.release();
  }
}
