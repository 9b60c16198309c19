// The identity of edits: what contract/domain/edit.ts says an edit is, and the id of its content.
import { canonicalEdit, canonicalOperations, type Edit } from '../../contract/domain/edit.ts';
import type { Operation } from '../../contract/domain/operations/index.ts';
import { canonicalJson, contentId } from './canonical.ts';

/** sha-256 of the canonical content: equal edits, equal ids, on every platform. */
export function editId(edit: Edit): string {
  return contentId(canonicalEdit(edit));
}

export function sameOperation(a: Operation | undefined, b: Operation | undefined): boolean {
  if (a === undefined || b === undefined) return a === b;
  return canonicalJson(canonicalOperations([a])) === canonicalJson(canonicalOperations([b]));
}
