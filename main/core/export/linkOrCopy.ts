// The user's own weights in an artifact: as hard links, which take no space, where the file system can.
import { constants, copyFile, link } from 'node:fs/promises';
import { basename } from 'node:path';
import { toFileError } from '../files/fileError.ts';

/** Another file system, one without links, or one that forbids them. */
const NO_LINK = ['EXDEV', 'EPERM', 'EACCES', 'EMLINK', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS'];

/** A hard link where the file system can, else a copy. */
export async function linkOrCopy(from: string, to: string): Promise<'link' | 'copy'> {
  try {
    await link(from, to);
    return 'link';
  } catch (thrown) {
    const code = thrown instanceof Error && 'code' in thrown ? String(thrown.code) : '';
    if (!NO_LINK.includes(code)) throw toFileError(thrown, basename(to));
  }
  try {
    await copyFile(from, to, constants.COPYFILE_FICLONE);
    return 'copy';
  } catch (thrown) {
    throw toFileError(thrown, basename(to));
  }
}
