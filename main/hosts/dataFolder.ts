// Where this person's settings and new projects lie: ERRATA_HOME, or the place that the platform has for such.
import { homedir } from 'node:os';
import { join, resolve } from 'node:path';

export function dataFolder(
  environment: NodeJS.ProcessEnv = process.env,
  platform: NodeJS.Platform = process.platform,
  home: string = homedir(),
): string {
  const own = environment['ERRATA_HOME'];
  if (own) return resolve(own);
  if (platform === 'win32') return join(environment['APPDATA'] || join(home, 'AppData', 'Roaming'), 'Errata');
  if (platform === 'darwin') return join(home, 'Library', 'Application Support', 'Errata');
  return join(environment['XDG_DATA_HOME'] || join(home, '.local', 'share'), 'errata');
}
