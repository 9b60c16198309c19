// The person's token for the Hub. It is read where a request is made and is kept nowhere: not in a log, a message, a job or a
// project.
import { lstat, readFile } from 'node:fs/promises';
import { hubPlaces, isTrue, type Environment } from './hubPlaces.ts';

const LONGEST = 1000;

/** Null: the person is not logged in. HF_TOKEN wins over the file that `hf auth login` writes, as in Python. */
export async function hubToken(environment: Environment = process.env): Promise<string | null> {
  if (isTrue(environment['HF_HUB_DISABLE_IMPLICIT_TOKEN'])) return null;
  const given = clean(environment['HF_TOKEN'] ?? environment['HUGGING_FACE_HUB_TOKEN'] ?? '');
  if (given !== null) return given;
  const { tokenFile } = hubPlaces(environment);
  const stats = await lstat(tokenFile).catch(() => null);
  if (!stats?.isFile() || stats.size > LONGEST) return null;
  return clean(await readFile(tokenFile, 'utf8').catch(() => ''));
}

/** What could not be part of a header is not a token. */
function clean(text: string): string | null {
  const token = text.trim();
  return /^[\x21-\x7e]{1,1000}$/u.test(token) ? token : null;
}
