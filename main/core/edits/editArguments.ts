// Edits as people write them on a command line, `clamp:7:-3` with a scope and gates, and as files.
import { readFile } from 'node:fs/promises';
import { AppError } from '../../contract/base/errors.ts';
import { toFileError } from '../files/fileError.ts';
import { parseEdit, type Action, type ActionKind, type Edit, type Gate, type Scope } from './edit.ts';
import type { DictionarySite } from './editPatches.ts';
import { parseVersion, VERSION_FORMAT } from './version.ts';

const MAX_EDIT_BYTES = 16 << 20;

/** What stands after the feature, by kind; null: nothing. */
const AMOUNTS: Readonly<Record<ActionKind, 'factor' | 'value' | 'amount' | null>> = {
  ablate: null,
  scale: 'factor',
  clamp: 'value',
  clampActive: 'value',
  floor: 'value',
  cap: 'value',
  steer: 'amount',
  project: 'factor',
};

export interface EditArguments extends DictionarySite {
  /** `ablate:123`, `scale:123:0.5`, `clamp:7:-3`, `clampActive:7:-3`, `floor:7:1`, `cap:7:2`, `steer:9:4`, `project:9:0` */
  readonly operations: readonly string[];
  /** `all` (default), `notBos`, `promptOnly`, `generatedOnly`, `fromFirstFiring:12` */
  readonly scope?: string;
  /** `7>0.5`: the operations act only where feature 7 is above 0.5; several: where any is. */
  readonly gates?: readonly string[];
}

/** One edit of operations that share site, dictionary, scope and gates. @throws AppError `usage` that quotes the wrong part. */
export function editFromArguments({ operations, scope = 'all', gates = [], site, dictionary }: EditArguments): Edit {
  const shared = { site, dictionary, scope: parseScope(scope), gates: gates.map(parseGate) };
  return parseEdit({ operations: operations.map((text) => ({ ...parseOperation(text), ...shared })) });
}

function parseOperation(text: string): Action & { readonly feature: number } {
  const [kind = '', feature = '', amount, ...rest] = text.split(':');
  const example = () => `"${text.slice(0, 60)}" is no operation: write ablate:123, scale:123:0.5 or clamp:7:-3`;
  const kinds = Object.keys(AMOUNTS).join(', ');
  if (!isKind(kind)) throw usage(`${example()}; the operations are ${kinds}.`);
  if (!/^\d+$/u.test(feature) || rest.length > 0) throw usage(`${example()}.`);
  const needsAmount = AMOUNTS[kind] !== null;
  if (needsAmount !== (amount !== undefined)) {
    throw usage(
      `"${text.slice(0, 60)}": ${kind} takes ${needsAmount ? `a number, ${kind}:${feature}:1.5` : 'no number'}.`,
    );
  }
  return { feature: Number(feature), ...actionOf(kind, amount === undefined ? 0 : parseNumber(amount, text)) };
}

function isKind(kind: string): kind is ActionKind {
  return Object.hasOwn(AMOUNTS, kind);
}

function actionOf(kind: ActionKind, amount: number): Action {
  switch (kind) {
    case 'ablate':
      return { kind };
    case 'scale':
    case 'project':
      return { kind, factor: amount };
    case 'clamp':
    case 'clampActive':
    case 'floor':
    case 'cap':
      return { kind, value: amount };
    case 'steer':
      return { kind, amount };
  }
}

function parseScope(text: string): Scope {
  switch (text) {
    case 'all':
    case 'notBos':
    case 'promptOnly':
    case 'generatedOnly':
      return { positions: text };
  }
  const feature = /^fromFirstFiring:(\d+)$/u.exec(text)?.[1];
  if (feature !== undefined) return { positions: 'fromFirstFiring', feature: Number(feature) };
  throw usage(
    `"${text.slice(0, 60)}" is no scope: write all, notBos, promptOnly, generatedOnly or fromFirstFiring:FEATURE.`,
  );
}

function parseGate(text: string): Gate {
  const [, feature, threshold] = /^(\d+)>(.+)$/u.exec(text) ?? [];
  if (feature === undefined || threshold === undefined) {
    throw usage(`"${text.slice(0, 60)}" is no gate: write "7>0.5" for: where feature 7 is above 0.5.`);
  }
  return { feature: Number(feature), threshold: parseNumber(threshold, text) };
}

function parseNumber(text: string, within: string): number {
  const value = /^[-+]?(\d+\.?\d*|\.\d+)(e[-+]?\d+)?$/iu.test(text) ? Number(text) : NaN;
  if (Number.isFinite(value)) return value;
  throw usage(`"${within.slice(0, 60)}": "${text.slice(0, 40)}" is not a number.`);
}

function usage(message: string): AppError {
  return new AppError('usage', message);
}

/**
 * An edit from a JSON file: `{"operations": […]}`, or a version as it is exported.
 * @throws AppError `not-found`, `invalid-file`, naming the file.
 */
export async function readEdit(path: string): Promise<Edit> {
  let value: unknown;
  try {
    const text = await readFile(path, 'utf8');
    if (text.length > MAX_EDIT_BYTES) throw new AppError('invalid-file', `${path}: it is too large for an edit.`);
    value = JSON.parse(text);
  } catch (thrown) {
    if (thrown instanceof SyntaxError) {
      throw new AppError('invalid-file', `${path}: it is not JSON.`, { cause: thrown, details: { path } });
    }
    throw toFileError(thrown, path);
  }
  const isVersion = typeof value === 'object' && value !== null && 'format' in value && value.format === VERSION_FORMAT;
  if (isVersion) return { operations: parseVersion(value, path).operations };
  return parseEdit(value, path, 'invalid-file');
}
