// What the handlers of the API share: the host's services, and the project that is open.
import type { InStorageThread } from '../../storage/storageWork.ts';
import type { Computing } from './computing.ts';
import type { EventBus } from './eventBus.ts';
import type { Locations } from './locations.ts';
import type { FileAccess } from './places.ts';
import type { ProjectSession } from './projectSession.ts';
import type { ServedVersion } from './servedVersion.ts';
import type { SettingsStore } from './settingsStore.ts';

export interface HostContext {
  readonly kind: 'electron' | 'web';
  readonly version: string;
  /** Settings and projects that were given no place of their own. */
  readonly dataFolder: string;
  /** The sample that comes with the program; null where it is missing. */
  readonly sampleFolder: string | null;
  readonly events: EventBus;
  readonly settings: SettingsStore;
  readonly locations: Locations;
  readonly files: FileAccess;
  readonly computing: Computing;
  readonly thread: InStorageThread;
  readonly servedVersion: ServedVersion;
  /** Signs every browser out. @throws AppError `unsupported` where nobody signs in. */
  signOut(): Promise<void>;
  /** The open project. */
  current(): ProjectSession | null;
  /** @throws AppError `no-project`. */
  session(): ProjectSession;
  /** Opens a project in the place of the one that is open. */
  open(folder: string, options: { readonly isSample: boolean }): Promise<ProjectSession>;
  close(): Promise<void>;
  /** Who writes, and why if it was said. */
  author(input?: { readonly reason?: string }): { readonly author: string; readonly reason?: string };
}
