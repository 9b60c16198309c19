// A project that is open: what people write and what is listed, each noun in its store. Several processes may have one open;
// each write is one transaction, so none of them can lose or half-do another's. Whoever opens it closes it.
import { setTimeout as delay } from 'node:timers/promises';
import { AppError } from '../../contract/base/errors.ts';
import type { LabelRow } from '../../core/labels/labelsFile.ts';
import { ChangeLog, type LoggedChange, type Step, type UndoReport } from '../changes.ts';
import type { Database } from '../database.ts';
import { BehaviourStore, behaviourEntity } from '../entities/behaviours.ts';
import { Catalog } from '../entities/catalog.ts';
import { EvaluationStore } from '../entities/evaluations.ts';
import { featureListEntity, FeatureLists, listMemberEntity } from '../entities/featureLists.ts';
import { FeatureStore } from '../entities/features.ts';
import { IntruderStore } from '../entities/intruders.ts';
import { JobStore } from '../entities/jobs.ts';
import { LabelImport } from '../entities/labelImport.ts';
import { commentEntity, labelEntity, LabelStore } from '../entities/labels.ts';
import { searchLabels, type SearchHit, type SearchOptions } from '../entities/labelSearch.ts';
import { takeBackup, type Backup } from '../recovery/backup.ts';
import { checkHealth, rebuild, type Health } from '../recovery/health.ts';
import {
  importVersions,
  knownHashes,
  versionFileOf,
  type ExchangeParts,
  type ImportVersions,
} from '../versions/exchange.ts';
import { branchEntity, tagEntity } from '../versions/names.ts';
import type { KnownHashes, VersionFile } from '../versions/versionFile.ts';
import { versionStore, type VersionStore } from '../versions/versionStore.ts';
import { workingEntity } from '../versions/workingEdit.ts';
import type { WalFlusher } from '../walFlusher.ts';
import type { Holder } from './holders.ts';

const LOOK_AGAIN_MS = 20;

interface ProjectParts {
  readonly notices?: readonly string[];
  /** This process among those that have the project open; none where it only looks. */
  readonly holder?: Holder;
  /** After the database was closed. */
  readonly onClose?: () => void;
  readonly flusher?: WalFlusher | undefined;
}

export class Project {
  readonly folder: string;
  readonly labels: LabelStore;
  readonly lists: FeatureLists;
  readonly features: FeatureStore;
  readonly versions: VersionStore;
  readonly behaviours: BehaviourStore;
  readonly evaluations: EvaluationStore;
  readonly intruders: IntruderStore;
  readonly catalog: Catalog;
  readonly jobs: JobStore;
  /** What went wrong on opening without stopping it. */
  readonly notices: readonly string[];
  readonly #database: Database;
  readonly #log: ChangeLog;
  readonly #now: () => string;
  readonly #parts: ProjectParts;
  readonly #exchange: ExchangeParts;

  /** Use `openProject` or `createProject`. */
  constructor(folder: string, database: Database, now: () => string, parts: ProjectParts) {
    this.folder = folder;
    this.notices = parts.notices ?? [];
    this.#database = database;
    this.#now = now;
    this.#parts = parts;
    this.#log = new ChangeLog(
      database,
      [
        labelEntity,
        commentEntity,
        featureListEntity,
        listMemberEntity,
        branchEntity,
        tagEntity,
        workingEntity,
        behaviourEntity,
      ].map((entity) => entity(database)),
      now,
    );
    this.labels = new LabelStore(database, this.#log, now);
    this.lists = new FeatureLists(database, this.#log);
    this.features = new FeatureStore(database, now);
    this.versions = versionStore(database, this.#log, this.labels, now);
    this.behaviours = new BehaviourStore(database, this.#log, now);
    this.evaluations = new EvaluationStore(database, now);
    this.intruders = new IntruderStore(database, now);
    this.catalog = new Catalog(database);
    this.jobs = new JobStore(database, now, parts.holder);
    const { versions, behaviours, catalog } = this;
    this.#exchange = { database, log: this.#log, versions, behaviours, catalog };
  }

  get isReadOnly(): boolean {
    return this.#database.readOnly;
  }

  /** Changes whenever another process has written: cheap to ask, so a host can refresh what it shows. */
  dataVersion(): number {
    return this.#database.dataVersion();
  }

  /**
   * Resolves when all that was written is on the disk: at once, unless it was opened with a `thread`.
   * @throws AppError `disk-full`, `permission`; `conflict` when the database was replaced, moved or deleted.
   */
  async flush(): Promise<void> {
    await this.#parts.flusher?.flush();
  }

  /** False: the database was replaced, moved or deleted while it is open here. It must be opened again. */
  get isInPlace(): boolean {
    return this.#database.isInPlace;
  }

  /** @throws AppError('conflict') when it is not in place. */
  checkPlace(): void {
    this.#database.checkPlace();
  }

  /**
   * Resolves when no other process is writing, so that a write of this one need not wait in this thread.
   * @throws AppError `locked` when that takes longer than `patience` milliseconds.
   */
  async writable(patience = 5000): Promise<void> {
    const end = performance.now() + patience;
    while (this.#database.isOpen && this.#database.isWriteLocked) {
      if (performance.now() > end) {
        const holders = this.otherHolders();
        throw new AppError(
          'locked',
          `${this.#database.path}: it is being written by ${holders.join(', ') || 'another process'}. Nothing was changed; try again.`,
          { details: { path: this.#database.path, holders } },
        );
      }
      await delay(LOOK_AGAIN_MS);
    }
  }

  /** Who else has the project open, in words. */
  otherHolders(): readonly string[] {
    return this.#parts.holder?.others() ?? [];
  }

  /** @throws AppError('empty') when `author` has nothing to undo. */
  undo(author: string): UndoReport {
    return this.#log.undo(author);
  }

  redo(author: string): UndoReport {
    return this.#log.redo(author);
  }

  /** What undo and redo of `author` would be about. */
  nextSteps(author: string): { readonly undo: Step | null; readonly redo: Step | null } {
    return this.#log.next(author);
  }

  /** What was done, newest first. */
  steps(limit?: number, before?: number): readonly Step[] {
    return this.#log.steps(limit, before);
  }

  /** Every change of one thing, newest first; kinds and keys as in `steps`' changes (`behaviour`, its name). */
  historyOf(kind: string, key: string): readonly LoggedChange[] {
    return this.#log.history(kind, key);
  }

  /** @throws AppError('usage') for a query that is too long. */
  search(query: string, options?: SearchOptions): readonly SearchHit[] {
    return searchLabels(this.#database, query, options);
  }

  /** Reads a file's rows; then `preview` and `apply` them, and `close`. */
  async importLabels(rows: AsyncIterable<LabelRow>, signal?: AbortSignal): Promise<LabelImport> {
    return await LabelImport.stage(rows, {
      database: this.#database,
      log: this.#log,
      labels: this.labels,
      now: this.#now,
      signal,
    });
  }

  /** A version with all that is behind it, the behaviours it names and the results of each. */
  versionFile(ref: string): VersionFile {
    return versionFileOf(this.#exchange, ref);
  }

  /**
   * Brings in a version file that was parsed, and points `branch` at its head. All or nothing.
   * @throws AppError `mismatch` for a model or dictionary that the project does not have, `exists` for the branch.
   */
  importVersionFile(file: VersionFile, write: ImportVersions): { readonly added: number; readonly known: number } {
    return importVersions(this.#exchange, file, write);
  }

  /** Models and dictionaries that are listed here, or that labels and versions made here are about. */
  knownHashes(): KnownHashes {
    return knownHashes(this.#exchange);
  }

  backup(): Backup {
    return takeBackup(this.#database, this.folder, 'asked', this.#now());
  }

  /** Everything that can be checked: the file's pages and indexes, the search index, the tables against the log. */
  check(): Health {
    return checkHealth(this.#database, this.#log, this.folder);
  }

  /** Makes tables and search indexes again from the log. */
  rebuild(): void {
    rebuild(this.#database, this.#log);
  }

  /** As `close`, after what waits for the disk in the background. */
  async end(): Promise<void> {
    await this.#parts.flusher?.end();
    this.close();
  }

  /** Safe to call twice. Not while a `flush` is under way: then `end`. */
  close(): void {
    if (!this.#database.isOpen) return;
    try {
      this.#parts.holder?.leave();
    } catch {
      // Another process holds the lock, or the disk is full: the row is swept when the project is next opened.
    }
    this.#database.close();
    this.#parts.onClose?.();
  }
}
