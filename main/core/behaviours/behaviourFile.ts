// Behaviours as files: JSON for one whole behaviour, JSONL with one case a line, CSV with one check a row for
// spreadsheets (rows that follow each other with the same prompt, system and role are one case). Each reads back as
// it was written. JSON may also be in the short form of shortBehaviour.ts, one check to a prompt.
import { AppError } from '../../contract/base/errors.ts';
import { writeFileAtomic } from '../files/atomicWrite.ts';
import { csvRecord, readCsv, readJsonLines } from '../files/textRows.ts';
import type { Check } from '../../contract/domain/checks.ts';
import { MAX_CASES, type Aim, type Behaviour, type Case } from '../../contract/domain/behaviour.ts';
import { parseBehaviour, parseCase } from './behaviour.ts';
import { fromShortForm, isShortForm } from './shortBehaviour.ts';
import { parseJson, readJson } from '../files/json.ts';

export const BEHAVIOUR_FILE_FORMATS = ['json', 'jsonl', 'csv'] as const;
export type BehaviourFileFormat = (typeof BEHAVIOUR_FILE_FORMATS)[number];

const LARGEST_JSON = 64 << 20;

/** Of a check, the columns that its kind needs are filled and the others empty. Lists are JSON arrays. */
const CHECK_COLUMNS = ['check', 'text', 'against', 'choices', 'answer', 'bound', 'value', 'expected', 'ignoreCase'];
const CASE_COLUMNS = ['role', 'system', 'prompt', 'raw', 'note', 'split', 'isHeldOut', 'tags'];
const COLUMNS = [...CASE_COLUMNS, ...CHECK_COLUMNS];

/** What JSONL and CSV do not carry; they need a name. */
export interface BehaviourHeader {
  readonly name?: string | undefined;
  readonly description?: string | undefined;
  readonly maxNewTokens?: number | undefined;
  readonly aim?: Aim | undefined;
}

export function behaviourFormatOfName(path: string): BehaviourFileFormat {
  const format = BEHAVIOUR_FILE_FORMATS.find((each) => path.toLowerCase().endsWith(`.${each}`));
  if (format !== undefined) return format;
  throw new AppError('usage', `${path}: name the format of the file: ${BEHAVIOUR_FILE_FORMATS.join(', ')}.`);
}

/**
 * @param header the name and settings, for JSONL and CSV; for JSON what is given replaces what the file says.
 * @throws AppError('invalid-file') naming file, line and field.
 */
export async function readBehaviourFile(
  path: string,
  format: BehaviourFileFormat,
  header: BehaviourHeader = {},
): Promise<Behaviour> {
  const given = Object.fromEntries(Object.entries(header).filter(([, value]) => value !== undefined));
  if (format === 'json') {
    const read = await readJson(path, LARGEST_JSON);
    const content = isShortForm(read) ? fromShortForm(read, path) : read;
    const whole =
      typeof content === 'object' && content !== null && !Array.isArray(content) ? { ...content, ...given } : content;
    return parseBehaviour(whole, path, 'invalid-file');
  }
  if (header.name === undefined) throw new AppError('usage', `${path}: give the behaviour a name.`);
  const cases: Case[] = [];
  for await (const each of format === 'csv' ? csvCases(path) : jsonlCases(path)) {
    if (cases.length >= MAX_CASES) throw new AppError('invalid-file', `${path}: it has more than ${MAX_CASES} cases.`);
    cases.push(each);
  }
  if (cases.length === 0) throw new AppError('empty', `${path}: it holds no cases.`);
  return parseBehaviour({ ...given, cases }, path, 'invalid-file');
}

export async function writeBehaviourFile(
  path: string,
  format: BehaviourFileFormat,
  behaviour: Behaviour,
): Promise<void> {
  const content =
    format === 'json'
      ? `${JSON.stringify(behaviour, null, 2)}\n`
      : format === 'jsonl'
        ? behaviour.cases.map((each) => `${JSON.stringify(each)}\n`).join('')
        : [COLUMNS, ...behaviour.cases.flatMap(csvRows)].map(csvRecord).join('');
  await writeFileAtomic(path, content);
}

async function* jsonlCases(path: string): AsyncGenerator<Case> {
  for await (const { line, value } of readJsonLines(path)) yield parseCase(value, `${path}: line ${line}`);
}

function csvRows(each: Case): string[][] {
  const { role, system, prompt, raw, note, split, isHeldOut, tags } = each;
  const facts = Object.keys(tags).length === 0 ? '' : JSON.stringify(tags);
  const cells = [role, system, prompt, String(raw), note, split, String(isHeldOut), facts];
  return each.checks.map((check) => [...cells, ...checkCells(check)]);
}

function checkCells(check: Check): string[] {
  const cells: Record<string, string> = { check: check.kind };
  switch (check.kind) {
    case 'contains':
      Object.assign(cells, {
        text: check.text,
        ignoreCase: String(check.ignoreCase),
        expected: String(check.expected),
      });
      break;
    case 'regex':
      Object.assign(cells, {
        text: check.pattern,
        ignoreCase: String(check.ignoreCase),
        expected: String(check.expected),
      });
      break;
    case 'refuses':
      Object.assign(cells, {
        choices: check.phrases.length === 0 ? '' : JSON.stringify(check.phrases),
        expected: String(check.expected),
      });
      break;
    case 'probability':
      Object.assign(cells, { text: check.continuation, bound: check.bound, value: String(check.value) });
      break;
    case 'logitDifference':
      Object.assign(cells, {
        text: check.continuation,
        against: check.against,
        bound: check.bound,
        value: String(check.value),
      });
      break;
    case 'multipleChoice':
      Object.assign(cells, {
        choices: JSON.stringify(check.choices),
        answer: String(check.answer),
        expected: String(check.expected),
      });
      break;
  }
  return CHECK_COLUMNS.map((column) => cells[column] ?? '');
}

async function* csvCases(path: string): AsyncGenerator<Case> {
  let open: { key: string; line: number; fields: Record<string, unknown>; checks: unknown[] } | undefined;
  const finished = ({ line, fields, checks }: NonNullable<typeof open>) =>
    parseCase({ ...fields, checks }, `${path}: line ${line}`);
  for await (const { line, value } of readCsv(path, COLUMNS, ['prompt', 'check'])) {
    const subject = `${path}: line ${line}`;
    const fields: Record<string, unknown> = { prompt: value['prompt'] };
    for (const name of ['role', 'system', 'note', 'split']) if (value[name]) fields[name] = value[name];
    for (const name of ['raw', 'isHeldOut']) if (value[name]) fields[name] = flag(value[name], `${subject}: ${name}`);
    if (value['tags']) fields['tags'] = jsonCell(value['tags'], `${subject}: tags`);
    const key = JSON.stringify(fields);
    if (open !== undefined && open.key !== key) {
      yield finished(open);
      open = undefined;
    }
    open ??= { key, line, fields, checks: [] };
    open.checks.push(readCheck(value, subject));
    if (open.checks.length > 1000) throw new AppError('invalid-file', `${subject}: a case has more than 1000 checks.`);
  }
  if (open !== undefined) yield finished(open);
}

/** The members that a check of this kind has; `parseCase` judges them. */
function readCheck(cells: Readonly<Record<string, string>>, subject: string): Record<string, unknown> {
  const { check: kind, text, against, choices, answer, bound, value, expected, ignoreCase } = cells;
  const check: Record<string, unknown> = { kind };
  const given = (name: string, cell: string | undefined, read: (cell: string, subject: string) => unknown) => {
    if (cell !== undefined && cell !== '') check[name] = read(cell, `${subject}: ${name}`);
  };
  const asIs = (cell: string) => cell;
  given(kind === 'regex' ? 'pattern' : kind === 'contains' ? 'text' : 'continuation', text, asIs);
  given('against', against, asIs);
  given(kind === 'refuses' ? 'phrases' : 'choices', choices, jsonCell);
  given('answer', answer, numberCell);
  given('bound', bound, asIs);
  given('value', value, numberCell);
  given('expected', expected, flag);
  given('ignoreCase', ignoreCase, flag);
  return check;
}

function flag(cell: string, subject: string): boolean {
  const word = cell.trim().toLowerCase(); // spreadsheets write TRUE
  if (word === 'true' || word === 'false') return word === 'true';
  throw new AppError('invalid-file', `${subject}: expected true or false, found ${JSON.stringify(cell.slice(0, 40))}.`);
}

function numberCell(cell: string, subject: string): number {
  const number = Number(cell);
  if (cell.trim() !== '' && Number.isFinite(number)) return number;
  throw new AppError('invalid-file', `${subject}: expected a number, found ${JSON.stringify(cell.slice(0, 40))}.`);
}

function jsonCell(cell: string, subject: string): unknown {
  return parseJson(cell, subject);
}
