// errata_edit.py of a Hugging Face folder: PyTorch hooks that apply the edit to a transformers model. It is the same for every
// edit; what differs is in edit.json and edit.safetensors. The file next to this one is all of it but the branches of
// the kinds of operations and of dictionaries, which have their Python in their own tables.
import { readFileSync } from 'node:fs';
import { OPERATION_KINDS, OPERATIONS } from '../../../../contract/domain/operations/index.ts';
import { DICTIONARY_KINDS, kindOf } from '../../../dictionaries/kinds/index.ts';

export const HOOK_FILE = 'errata_edit.py';
export const ORIGINAL_FOLDER = 'original';

const SOURCE = readFileSync(new URL('./errata_edit.py', import.meta.url), 'utf8');

interface Branch {
  readonly condition: string;
  readonly statements: readonly string[];
}

const OPERATION_BRANCHES = OPERATION_KINDS.map((kind): Branch => ({
  condition: `if kind == "${kind}":  # ${OPERATIONS[kind].formula}`,
  statements: OPERATIONS[kind].python,
}));
const DICTIONARY_BRANCHES = DICTIONARY_KINDS.map((architecture): Branch => ({
  condition: `if architecture == "${architecture}":`,
  statements: kindOf({ architecture }).python,
}));

export const HOOK_PYTHON = withBranches(
  withBranches(SOURCE, '# Errata: kinds of dictionaries', DICTIONARY_BRANCHES),
  '# Errata: kinds of operations',
  OPERATION_BRANCHES,
);

/** The source with the branches in place of a comment, at its indentation. */
function withBranches(source: string, comment: string, branches: readonly Branch[]): string {
  const lines = source.split('\n');
  const at = lines.findIndex((line) => line.trim() === comment);
  const margin = /^ */u.exec(lines[at] ?? '')?.[0] ?? '';
  const filled = branches.flatMap(({ condition, statements }) => [
    `${margin}${condition}`,
    ...statements.map((statement) => `${margin}    ${statement}`),
  ]);
  return lines.toSpliced(at, 1, ...filled).join('\n');
}
