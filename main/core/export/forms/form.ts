// What a form of export is. Each form has a folder with everything about it, index.ts is their table, and the rest of the
// exporter, the command line and the window ask the table. To add one: docs/howto/add-export-form.md.
//
// Invariant: what `open` opens computes what `write` wrote, from the files in the folder alone.
import type { FormulaCheck } from '../../../contract/domain/equivalence.ts';
import type { Badge, ExportFormWords } from '../../../contract/domain/exportForms.ts';
import type { OnWork } from '../../../contract/base/progress.ts';
import type { Operation } from '../../../contract/domain/operations/index.ts';
import type { Dictionary } from '../../dictionaries/dictionary.ts';
import type { Edit } from '../../../contract/domain/edit.ts';
import type { Dictionaries, FixedEdit } from '../../edits/editPatches.ts';
import type { Exactness } from '../../edits/exactness.ts';
import type { Model } from '../../models/model.ts';
import type { Patch } from '../../models/variant.ts';
import type { Runtime } from '../../onnx/runtime.ts';
import type { ArtifactModel } from '../artifactModel.ts';
import type { Manifest, WrittenFile } from '../manifest.ts';

export interface ExportForm<Name extends string = string> extends ExportFormWords {
  readonly name: Name;
  /** Features that compete may get thresholds of their own in it. False: it holds no features. */
  readonly calibrates: boolean;
  /** Whether it can carry an edit, and how exactly. */
  plan(facts: PlanFacts): FormPlan;
  /**
   * Fills an empty folder.
   * @throws AppError `unsupported` with the reason of the plan, `disk-full`, `cancelled` …
   */
  write(folder: string, options: WriteOptions): Promise<WrittenForm>;
  /** From the files in the folder alone. @throws AppError as openModel does, `invalid-file`. */
  open(runtime: Runtime, folder: string, facts: Pick<Manifest, 'inputs' | 'model'>): Promise<ArtifactModel>;
  /** Files without which it is not an artifact of this form. */
  readonly requiredFiles: readonly string[];
  /** Checks what `open` does not run itself; null: it runs everything. @throws AppError `verification-failed`, `cancelled`. */
  readonly check: ((folder: string, options: CheckOptions) => Promise<FormulaCheck>) | null;
  /** Programs that load it, to be run in its folder. */
  loadingCode(facts: Pick<Manifest, 'inputs' | 'model'>): readonly LoadingCode[];
  /** How check.py loads it: Python that defines `Model` and `VERSIONS`. */
  readonly checkModel: string;
  /** What that Python must have installed, in words. */
  readonly pythonNeeds: string;
  readonly readme: {
    /** Where the edit is: a sentence. */
    readonly what: string;
    /** The list of its files, in Markdown. */
    files(facts: Pick<Manifest, 'inputs' | 'model'>): string;
  };
}

export type DictionaryFacts = Pick<Dictionary, 'architecture' | 'size' | 'k'>;

export interface PlanFacts {
  readonly model: Pick<Model, 'writers' | 'sites' | 'config' | 'modules'>;
  readonly operations: readonly Operation[];
  /** Facts of the dictionary that an operation names. */
  readonly dictionaryOf: (operation: Operation) => DictionaryFacts;
}

export type FormPlan =
  | { readonly applies: true; readonly badge: Badge; readonly reason: string }
  | { readonly applies: false; readonly badge: null; readonly reason: string };

export interface WriteOptions {
  readonly model: Model;
  readonly edit: Edit;
  readonly dictionaries: Dictionaries;
  /** The edit as patches without inputs. */
  readonly fixed: FixedEdit;
  readonly bosTokenId: number | null;
  readonly signal?: AbortSignal;
  readonly onWork?: OnWork;
  /** Embedded weights that would make a longer .onnx file go to a data file beside it; for tests. */
  readonly largestFile?: number;
}

export interface WrittenForm {
  readonly files: readonly WrittenFile[];
  readonly inputs: Manifest['inputs'];
  /** Of every operation; null where each has its own. */
  readonly exactness: Exactness | null;
  /** What the artifact shall do, where that is not the edit at its sites. */
  readonly compiled: readonly Patch[] | null;
  /** What a person should know of it. */
  readonly notes: readonly string[];
}

export interface CheckOptions {
  readonly runtime: Runtime;
  readonly model: Model;
  readonly edit: Edit;
  readonly dictionaries: Dictionaries;
  readonly bosTokenId: number | null;
  readonly contexts: readonly ArrayLike<number>[];
  readonly signal?: AbortSignal;
  readonly onWork?: OnWork;
}

export interface LoadingCode {
  /** What must be installed. */
  readonly title: string;
  /** As a code block of Markdown names it. */
  readonly language: 'python' | 'js';
  readonly code: string;
}

/** Of a form whose models ask for tokens only. */
export const NO_INPUTS: Manifest['inputs'] = { promptLength: false, states: [] };

export function refusedPlan(reason: string): FormPlan {
  return { applies: false, badge: null, reason };
}
