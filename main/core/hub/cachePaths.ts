// Where things are in the cache of the Hub. Each repository has one folder there:
//   models--org--name/blobs/<etag>, refs/<branch>, snapshots/<commit>/<file> (links to blobs); .locks/models--org--name/<etag>.lock
import { join } from 'node:path';

const MODELS = 'models--';

/** Names hold no `--`, so the name of the folder says which repository it is. */
export function folderOfRepository(repository: string): string {
  return `${MODELS}${repository.replace('/', '--')}`;
}

/** Null for the folder of a data set, of a space, or of something else. */
export function repositoryOfFolder(name: string): string | null {
  if (!name.startsWith(MODELS)) return null;
  const parts = name.slice(MODELS.length).split('--');
  return parts.length > 2 || parts.includes('') ? null : parts.join('/');
}

export interface RepositoryPaths {
  readonly blobs: string;
  readonly refs: string;
  readonly snapshots: string;
  readonly locks: string;
}

export function pathsOf(cache: string, repository: string): RepositoryPaths {
  const folder = folderOfRepository(repository);
  const root = join(cache, folder);
  return {
    blobs: join(root, 'blobs'),
    refs: join(root, 'refs'),
    snapshots: join(root, 'snapshots'),
    locks: join(cache, '.locks', folder),
  };
}
