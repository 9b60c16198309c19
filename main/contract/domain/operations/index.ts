// The table of operations, in the order in which people read them. To add a kind: docs/howto/add-operation.md.
import { ablate } from './ablate.ts';
import { cap } from './cap.ts';
import { clamp } from './clamp.ts';
import { clampActive } from './clampActive.ts';
import { floor } from './floor.ts';
import { NO_CHANGE, type Line, type OperationDefinition } from './operation.ts';
import { project } from './project.ts';
import { scale } from './scale.ts';
import { steer } from './steer.ts';
import type { Target } from './target.ts';

const TABLE = { ablate, scale, clamp, clampActive, floor, cap, steer, project };

export type OperationKind = keyof typeof TABLE;
/** What is done with f (the feature activation), x (the activation at the site) and d (the decoder row). */
export type Action = { [Kind in OperationKind]: ReturnType<(typeof TABLE)[Kind]['action']> }[OperationKind];
export type Operation = Target & Action;

type DefinitionsByKind = {
  readonly [Kind in OperationKind]: OperationDefinition<Extract<Action, { readonly kind: Kind }>>;
};
/** Each kind under its own name, or this does not compile. */
export const OPERATIONS: DefinitionsByKind = TABLE;

export const OPERATION_KINDS: readonly OperationKind[] = Object.values(OPERATIONS).map(({ action }) => action(0).kind);
export const OPERATION_SCHEMAS = Object.values(TABLE).map(({ schema }) => schema);

export function isOperationKind(kind: string): kind is OperationKind {
  return Object.hasOwn(OPERATIONS, kind);
}

/** @param number any, for a kind that takes none. */
export function makeOperation(
  kind: OperationKind,
  number: number,
  { feature, dictionary, site, scope, gates }: Target,
): Operation {
  return { feature, dictionary, site, scope, gates, ...OPERATIONS[kind].action(number) };
}

/** Null for a kind that takes none. */
export function numberOf(action: Action): number | null {
  const { number } = OPERATIONS[action.kind];
  if (number === null) return null;
  const members: Readonly<Record<string, unknown>> = action;
  return Number(members[number.name]);
}

export function lineOf(action: Action): Line {
  return { ...NO_CHANGE, ...OPERATIONS[action.kind].line(numberOf(action) ?? 0) };
}

/** g in double precision, by the definition of the kind. @param s what it reads: see operation.ts. */
export function gainOf(action: Action, s: number): number {
  return OPERATIONS[action.kind].gain(s, numberOf(action) ?? 0);
}
