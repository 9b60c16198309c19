// What every host with windows starts: the services, the open project, and the API over them. The hosts themselves only
// bring connections to it, and requests for blobs.
import { stat } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { contract, type ApiHandlers } from '../../contract/api/contract.ts';
import { AppError, toAppError } from '../../contract/base/errors.ts';
import { serveContract, type Served } from '../../contract/rpc/server.ts';
import type { EngineLauncher } from '../../engine/launcher.ts';
import type { InStorageThread } from '../../storage/storageWork.ts';
import { nouns } from '../../workbench/nouns.ts';
import { defaultAuthor } from '../author.ts';
import { answerBlob } from './blobs.ts';
import { Computing } from './computing.ts';
import { EventBus } from './eventBus.ts';
import { appHandlers } from './handlers/appHandlers.ts';
import { eventsHandlers } from './handlers/eventsHandlers.ts';
import { filesHandlers } from './handlers/filesHandlers.ts';
import { jobHandlers } from './handlers/jobHandlers.ts';
import { projectHandlers } from './handlers/projectHandlers.ts';
import { servingHandlers } from './handlers/servingHandlers.ts';
import type { HostContext } from './hostContext.ts';
import { Locations } from './locations.ts';
import { mounted } from './mount.ts';
import type { FileAccess } from './places.ts';
import { ProjectSession } from './projectSession.ts';
import { ServedVersion } from './servedVersion.ts';
import { SettingsStore } from './settingsStore.ts';

export interface HostOptions {
  readonly kind: 'electron' | 'web';
  /** For the message that another process gets: 'the desktop app'. */
  readonly name: string;
  readonly version: string;
  readonly dataFolder: string;
  /** Where the sample would be. */
  readonly sampleFolder: string;
  readonly launch: EngineLauncher;
  /** Where storage does what waits for the disk. */
  readonly thread: InStorageThread;
  readonly files: (locations: Locations) => FileAccess;
  /** Signs every browser out; left out where nobody signs in. */
  readonly signOut?: () => Promise<void>;
  /** Of an error that is our own fault. */
  readonly log?: (line: string) => void;
}

export interface Host {
  readonly context: HostContext;
  readonly served: Served;
  /** Null: it is no address of a blob. */
  blob(request: Request): Promise<Response | null>;
  /** Leaves every job at its checkpoint, closes the project, ends the engine. */
  stop(): Promise<void>;
}

export async function createHost(options: HostOptions): Promise<Host> {
  const { kind, name, version, dataFolder, launch, thread, log } = options;
  const events = new EventBus();
  const settings = await SettingsStore.open(dataFolder);
  const locations = new Locations();
  const computing = new Computing(launch, settings.settings.device, events);
  const sampleFolder = (await isSample(options.sampleFolder)) ? options.sampleFolder : null;
  let session: ProjectSession | null = null;
  let turn: Promise<unknown> = Promise.resolve();

  /** Opening and closing one after another, in the order in which they were asked for. */
  function inTurn<T>(work: () => Promise<T>): Promise<T> {
    const result = turn.then(work);
    turn = result.catch(() => undefined);
    return result;
  }

  const context: HostContext = {
    kind,
    version,
    dataFolder,
    sampleFolder,
    events,
    settings,
    locations,
    files: options.files(locations),
    computing,
    thread,
    servedVersion: new ServedVersion(),
    signOut: async () => {
      if (options.signOut) await options.signOut();
      else throw new AppError('unsupported', 'Nobody signs in to this window.');
    },
    current: () => session,
    session: () => {
      // Not even a question is answered from files that are not the project's any more.
      session?.workbench.project.checkPlace();
      if (session) return session;
      throw new AppError('no-project', 'No project is open.');
    },
    open: (path, { isSample: isFromSample }) =>
      inTurn(async () => {
        const folder = resolve(path);
        if (session?.workbench.project.folder === folder && session.workbench.project.isInPlace) return session;
        // The one that is open stays open when the other cannot be opened.
        const opened = await ProjectSession.open({
          folder,
          isSample: isFromSample,
          host: name,
          compute: computing.compute,
          thread,
          computeAfresh: computing.computeAfresh,
          speed: computing,
          events,
        });
        const before = session;
        session = opened;
        await context.servedVersion.stop();
        await before?.close();
        await settings.remember(folder, new Date().toISOString(), isFromSample).catch((thrown: unknown) => {
          events.notice('warning', `The list of recent projects was not kept: ${toAppError(thrown).message}`);
        });
        return opened;
      }),
    close: () =>
      inTurn(async () => {
        const before = session;
        session = null;
        await context.servedVersion.stop();
        await before?.close();
      }),
    author: ({ reason } = {}) => ({
      author: settings.settings.author ?? defaultAuthor(),
      ...(reason === undefined ? {} : { reason }),
    }),
  };

  /** What a command wrote is on the disk before it is answered, and nothing of it keeps the event loop. */
  async function around<T>(work: () => Promise<T>): Promise<T> {
    await session?.workbench.project.writable();
    const result = await work();
    await session?.workbench.project.flush();
    return result;
  }

  const served = serveContract(contract, handlersOf(context), {
    around,
    onChanged: (what) => events.changed(...what),
    onInternalError: (procedure, error) => log?.(`${procedure}: ${error.stack ?? error.message}`),
  });
  if (settings.problem !== null) log?.(settings.problem);

  return {
    context,
    served,
    blob: (request) => answerBlob(request, context),
    stop: async () => {
      await context.close().catch((thrown: unknown) => log?.(toAppError(thrown).message));
      await computing.stop();
    },
  };
}

function handlersOf(context: HostContext): ApiHandlers {
  return {
    app: appHandlers(context),
    ...mounted(context, nouns),
    project: projectHandlers(context),
    files: filesHandlers(context),
    job: jobHandlers(context),
    serving: servingHandlers(context),
    events: eventsHandlers(context),
  };
}

async function isSample(folder: string): Promise<boolean> {
  return stat(join(folder, 'model', 'config.json')).then(
    () => true,
    () => false,
  );
}
