// What searches found: findings/<name>/finding.json, written anew whenever something is found out, so that a search that is
// under way can be watched, and what one found before it was stopped is not lost.
import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import * as v from 'valibot';
import { toAppError } from '../contract/base/errors.ts';
import { validate } from '../contract/base/validate.ts';
import { writeFileAtomic } from '../core/files/atomicWrite.ts';
import { toFileError } from '../core/files/fileError.ts';
import type { FindEvent, FoundEdit } from '../core/finder/findEdit.ts';
import type { FindRequest } from './findRequest.ts';
import { existingFolder, folderOf, readEach } from './projectFolder.ts';
import type { Workbench } from './workbench.ts';
import { readJson } from '../core/files/json.ts';

const FILE = 'finding.json';
const FORMAT = 'errata.finding.1';

export interface Finding {
  readonly format: typeof FORMAT;
  readonly name: string;
  /** What was searched for, and where. */
  readonly request: FindRequest;
  /** ISO 8601, UTC. */
  readonly startedAt: string;
  /** Null as long as nothing is found. */
  readonly endedAt: string | null;
  /** In the order in which they were found out: what was read, the ranking, the steps. */
  readonly events: readonly FindEvent[];
  /** Null while the search is under way, and for one that was stopped. */
  readonly found: (FoundEdit & { readonly id: string }) | null;
}

/** Only what tells a finding from another file: what is in it, this program wrote. */
const findingSchema = v.looseObject({
  format: v.literal(FORMAT),
  name: v.string(),
  request: v.looseObject({ name: v.string() }),
  startedAt: v.string(),
  endedAt: v.nullable(v.string()),
  events: v.array(v.looseObject({ kind: v.string() })),
  found: v.nullable(v.looseObject({ id: v.string(), edit: v.looseObject({ operations: v.array(v.unknown()) }) })),
});

export interface OpenFinding {
  add(event: FindEvent): void;
  /** @throws AppError when any part could not be written. */
  finish(found: FoundEdit & { readonly id: string }): Promise<void>;
}

/** Begins a finding; one of the same name is written over. */
export async function beginFinding({ project }: Workbench, request: FindRequest): Promise<OpenFinding> {
  const folder = folderOf(project.folder, 'findings', request.name);
  await mkdir(folder, { recursive: true }).catch((thrown: unknown) => {
    throw toFileError(thrown, folder);
  });
  const events: FindEvent[] = [];
  const startedAt = new Date().toISOString();
  const save = (found: Finding['found']) => {
    const endedAt = found === null ? null : new Date().toISOString();
    const finding: Finding = { format: FORMAT, name: request.name, request, startedAt, endedAt, events, found };
    return writeFileAtomic(join(folder, FILE), `${JSON.stringify(finding)}\n`);
  };
  await save(null);
  let failure: unknown = null;
  let writing = Promise.resolve();
  return {
    add: (event) => {
      events.push(event);
      writing = writing
        .then(() => save(null))
        .catch((thrown: unknown) => {
          failure ??= thrown;
        });
    },
    finish: async (found) => {
      await writing;
      if (failure !== null) throw toAppError(failure);
      await save(found);
    },
  };
}

/** @throws AppError `not-found`. */
export async function removeFinding({ project }: Pick<Workbench, 'project'>, name: string): Promise<void> {
  await rm(await existingFolder(project.folder, 'findings', name, FILE), { recursive: true, force: true });
}

export function readFindings(workbench: Pick<Workbench, 'project'>) {
  return readEach(workbench.project.folder, 'findings', FILE, (name) => readFinding(workbench, name));
}

/** Those that can be read, the newest first. */
export async function listFindings(workbench: Pick<Workbench, 'project'>): Promise<Finding[]> {
  return (await readFindings(workbench)).found.toSorted((a, b) => b.startedAt.localeCompare(a.startedAt));
}

/** @throws AppError `not-found`, `invalid-file`. */
export async function readFinding({ project }: Pick<Workbench, 'project'>, name: string): Promise<Finding> {
  const folder = await existingFolder(project.folder, 'findings', name, FILE);
  const path = join(folder, FILE);
  return validate(findingSchema, await readJson(path), path, 'invalid-file') as unknown as Finding;
}
