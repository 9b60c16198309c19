// Edits as people write them on a command line, `clamp:7:-3` with a scope and gates, and as files.
import { AppError } from '../../contract/base/errors.ts';
import { parseEdit, type Edit } from '../../contract/domain/edit.ts';
import {
  isOperationKind,
  makeOperation,
  OPERATION_KINDS,
  OPERATIONS,
  type Operation,
  type OperationKind,
} from '../../contract/domain/operations/index.ts';
import { FIXED_POSITIONS, type Gate, type Scope, type Target } from '../../contract/domain/operations/target.ts';
import type { DictionarySite } from './editPatches.ts';
import { parseVersion, VERSION_FORMAT } from './version.ts';
import { readJson } from '../files/json.ts';

const MAX_EDIT_BYTES = 16 << 20;

export interface EditArguments extends DictionarySite {
  /** `ablate:123`, `scale:123:0.5`, …: see OPERATION_FORMS. */
  readonly operations: readonly string[];
  /** `all` (default), `notBos`, `promptOnly`, `generatedOnly`, `fromFirstFiring:12` */
  readonly scope?: string;
  /** `7>0.5`: the operations act only where feature 7 is above 0.5; several: where any is. */
  readonly gates?: readonly string[];
}

/** How each kind of operation is written: `ablate:F`, `scale:F:FACTOR`, … */
export const OPERATION_FORMS: readonly string[] = OPERATION_KINDS.map((kind) =>
  [kind, 'F', ...numberWord(kind)].join(':'),
);

/** One edit of operations that share site, dictionary, scope and gates. @throws AppError `usage` that quotes the wrong part. */
export function editFromArguments({ operations, scope = 'all', gates = [], site, dictionary }: EditArguments): Edit {
  const shared = { site, dictionary, scope: parseScope(scope), gates: gates.map(parseGate) };
  return parseEdit({ operations: operations.map((text) => parseOperation(text, shared)) });
}

function parseOperation(text: string, shared: Omit<Target, 'feature'>): Operation {
  const [kind = '', feature = '', amount, ...rest] = text.split(':');
  const example = () =>
    `"${text.slice(0, 60)}" is not a valid operation. Examples: ablate:123, scale:123:0.5, clamp:7:-3`;
  if (!isOperationKind(kind)) throw usage(`${example()}; the operations are ${OPERATION_KINDS.join(', ')}.`);
  if (!/^\d+$/u.test(feature) || rest.length > 0) throw usage(`${example()}.`);
  const { number } = OPERATIONS[kind];
  if ((number !== null) !== (amount !== undefined)) {
    const wanted = number === null ? 'no number' : `a number, ${kind}:${feature}:${number.example}`;
    throw usage(`"${text.slice(0, 60)}": ${kind} takes ${wanted}.`);
  }
  const value = amount === undefined ? 0 : parseNumber(amount, text);
  return makeOperation(kind, value, { ...shared, feature: Number(feature) });
}

function numberWord(kind: OperationKind): string[] {
  const { number } = OPERATIONS[kind];
  return number === null ? [] : [number.name.toUpperCase()];
}

function parseScope(text: string): Scope {
  const positions = FIXED_POSITIONS.find((one) => one === text);
  if (positions !== undefined) return { positions };
  const feature = /^fromFirstFiring:(\d+)$/u.exec(text)?.[1];
  if (feature !== undefined) return { positions: 'fromFirstFiring', feature: Number(feature) };
  throw usage(
    `"${text.slice(0, 60)}" is not a valid scope. Use ${FIXED_POSITIONS.join(', ')} or fromFirstFiring:FEATURE.`,
  );
}

function parseGate(text: string): Gate {
  const [, feature, threshold] = /^(\d+)>(.+)$/u.exec(text) ?? [];
  if (feature === undefined || threshold === undefined) {
    throw usage(`"${text.slice(0, 60)}" is not a valid gate. Example: "7>0.5" (active where feature 7 exceeds 0.5).`);
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
  const value = await readJson(path, MAX_EDIT_BYTES);
  const isVersion = typeof value === 'object' && value !== null && 'format' in value && value.format === VERSION_FORMAT;
  if (isVersion) return { operations: parseVersion(value, path).operations };
  return parseEdit(value, path, 'invalid-file');
}
