// The one connection of the window with its host, and what every part of the window shows of it: facts, the open project, jobs,
// the device, settings. After a lost connection everything that is shown is fetched anew.
import { createConnection, type ConnectionState } from '../../../main/contract/rpc/client.ts';
import { contract, type Api } from '../../../main/contract/api/contract.ts';
import { deserializeError, toAppError, type AppError } from '../../../main/contract/base/errors.ts';
import { connectToHost } from '../../../main/contract/api/host.ts';
import { CHANGING, type Changing } from '../../../main/contract/base/changing.ts';
import type { Device, Facts, HostEvent, Job, LogLine, Project, Settings } from './types.ts';

let connection = $state<ConnectionState>('connecting');
let facts = $state.raw<Facts | null>(null);
let project = $state.raw<Project | null>(null);
/** False until the host has said whether a project is open. */
let isKnown = $state(false);
let jobs = $state.raw<readonly Job[]>([]);
let device = $state.raw<Device | null>(null);
let settings = $state.raw<Settings | null>(null);
let startError = $state.raw<AppError | null>(null);

const opened = createConnection(contract, connectToHost, { onState: (state) => (connection = state) });

export const api: Api = opened.api;

type Listener<T> = (value: T) => void;
export type HostNotice = { readonly error: AppError } | { readonly text: string };
// These are told, never shown: nothing reacts to them.
/* eslint-disable svelte/prefer-svelte-reactivity */
const changeListeners = new Set<{ what: Iterable<Changing>; listener: () => void }>();
const logListeners = new Set<Listener<LogLine & { readonly id: string }>>();
const commandListeners = new Set<Listener<string>>();
const noticeListeners = new Set<Listener<HostNotice>>();
const jobListeners = new Set<Listener<{ readonly job: Job; readonly before: Job | null }>>();
/* eslint-enable svelte/prefer-svelte-reactivity */

/**
 * Calls `listener` when something of `what`, as it is then, has changed, and after the connection was lost.
 * @returns how to stop.
 */
export function onChanged(what: Iterable<Changing>, listener: () => void): () => void {
  const entry = { what, listener };
  changeListeners.add(entry);
  return () => changeListeners.delete(entry);
}

function subscribe<T>(listeners: Set<Listener<T>>): (listener: Listener<T>) => () => void {
  return (listener) => {
    listeners.add(listener);
    return () => listeners.delete(listener);
  };
}

export const onLog = subscribe(logListeners);
export const onCommand = subscribe(commandListeners);
/** What the host has to say to the person, and what went wrong while the window fetched what it shows. */
export const onNotice = subscribe(noticeListeners);
/** Called whenever a job was added or moved, with what it was before. */
export const onJob = subscribe(jobListeners);

export const session = {
  get connection(): ConnectionState {
    return connection;
  },
  get facts(): Facts | null {
    return facts;
  },
  get project(): Project | null {
    return project;
  },
  get isKnown(): boolean {
    return isKnown;
  },
  /** The newest first. */
  get jobs(): readonly Job[] {
    return jobs;
  },
  get activeJobs(): readonly Job[] {
    return jobs.filter(({ state }) => state === 'running' || state === 'queued');
  },
  get device(): Device | null {
    return device;
  },
  get settings(): Settings | null {
    return settings;
  },
  /** Why the window could not begin. */
  get startError(): AppError | null {
    return startError;
  },
};

/** The job that makes or made a thing; the latest of several. */
export function jobOf(kind: string, subject: string): Job | null {
  return jobs.find((job) => job.kind === kind && job.subject === subject) ?? null;
}

export async function changeSettings(changes: Partial<Settings>): Promise<void> {
  settings = await api.app.changeSettings(changes);
}

function tellChanged(what: readonly Changing[]): void {
  for (const entry of [...changeListeners]) {
    if ([...entry.what].some((name) => what.includes(name))) entry.listener();
  }
}

function takeJob(job: Job): void {
  const before = jobs.find(({ id }) => id === job.id) ?? null;
  jobs = before ? jobs.map((other) => (other.id === job.id ? job : other)) : [job, ...jobs];
  for (const listener of jobListeners) listener({ job, before });
}

async function catchUp(): Promise<void> {
  [facts, project, settings, device] = await Promise.all([
    api.app.facts(),
    api.project.current(),
    api.app.settings(),
    api.app.device(),
  ]);
  jobs = project ? await api.job.list() : [];
  isKnown = true;
  startError = null;
}

let projectRequest = 0;

async function fetchProject(): Promise<void> {
  const request = ++projectRequest;
  const before = project?.folder;
  const found = await api.project.current();
  if (request !== projectRequest) return;
  project = found;
  if (found?.folder !== before) {
    const listed = found ? await api.job.list() : [];
    if (request === projectRequest) jobs = listed;
  }
}

function tellNotice(notice: HostNotice): void {
  for (const listener of noticeListeners) listener(notice);
}

function receive(event: HostEvent): void {
  switch (event.type) {
    case 'ready':
      catchUp().then(
        () => tellChanged(CHANGING),
        (thrown: unknown) => {
          startError = toAppError(thrown);
        },
      );
      break;
    case 'changed':
      fetchProject().catch((thrown: unknown) => tellNotice({ error: toAppError(thrown) }));
      tellChanged(event.what);
      break;
    case 'job':
      takeJob(event.job);
      break;
    case 'jobLog':
      for (const listener of logListeners) listener(event);
      break;
    case 'device':
      device = event.device;
      break;
    case 'settings':
      settings = event.settings;
      break;
    case 'notice':
      if (event.level === 'error') {
        const { code, message, details } = event;
        const stack = details === null ? {} : { stack: details };
        tellNotice({ error: deserializeError({ code: code ?? 'internal', message, ...stack }) });
      } else tellNotice({ text: event.message });
      break;
    case 'command':
      for (const listener of commandListeners) listener(event.id);
      break;
    case 'navigate':
      location.hash = event.hash;
      break;
  }
}

/** Listens as long as there is a connection, and again when there is one again. */
export async function listenToHost(): Promise<never> {
  for (;;) {
    try {
      await api.events.watch({}, { onChunk: receive });
    } catch (thrown) {
      const error = toAppError(thrown);
      if (error.code !== 'disconnected' && error.code !== 'cancelled') startError = error;
    }
    // Not at once: a host that refuses the stream would be asked without end.
    await new Promise((resolve) => setTimeout(resolve, 300));
  }
}
