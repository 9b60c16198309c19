// Places that a person pointed at, by the ids that pages know them by. Only the host turns an id into a path, so a page
// reaches nothing that was not chosen. Ids are random, last as long as the host, and one path keeps its id.
import { randomBytes } from 'node:crypto';
import { AppError } from '../../contract/base/errors.ts';

/** More are never shown at once; the oldest give way. */
const MOST = 100_000;

export class Locations {
  readonly #paths = new Map<string, string>();
  readonly #ids = new Map<string, string>();

  /** @param path absolute. */
  grant(path: string): string {
    const known = this.#ids.get(path);
    if (known !== undefined) return known;
    const id = randomBytes(16).toString('base64url');
    this.#paths.set(id, path);
    this.#ids.set(path, id);
    if (this.#paths.size > MOST) {
      const [oldest] = this.#paths;
      if (oldest) {
        this.#paths.delete(oldest[0]);
        this.#ids.delete(oldest[1]);
      }
    }
    return id;
  }

  /** @throws AppError `permission` for an id that was not given out by this host. */
  pathOf(id: string): string {
    const path = this.#paths.get(id);
    if (path !== undefined) return path;
    throw new AppError('permission', 'This place is not known any more: choose it again.');
  }
}
