// A setting is what a person may set of a run, a search or an evaluation: a schema of one value (type and bounds) whose
// valibot metadata holds its words and its name on the command line. Settings stand in tables (contract/domain), where an
// entry is required, has a default (`v.optional(setting, value)`), or has one that is computed from other things
// (`v.exactOptional(setting)`). Contract, jobs, engine tasks, command line and forms derive from these tables.
import * as v from 'valibot';

interface Words<Value> {
  /** The name of its field in a form. */
  readonly label: string;
  /** What it does, in a sentence: below the field, and in the help of the command line. */
  readonly hint: string;
  /** On the command line, without the dashes. */
  readonly option: string;
  readonly short?: string;
  /** What is counted: 'tokens'. */
  readonly unit?: string;
  /** What the option counts in, where that is not one: 2^20 for bytes that are given in MiB. */
  readonly scale?: number;
  /** Of a choice: what its options are called in a form. */
  readonly choices?: Value extends string ? Readonly<Record<Value, string>> : never;
  /** Of a text: a line break is written `\n` where there is one line only. */
  readonly hasLineBreaks?: boolean;
  /** Of a text without a default: one, in its place in an empty field. */
  readonly example?: Value;
  /** Of a required setting: what the command line takes when it is not given, and a form begins with. */
  readonly usual?: Value;
  /** Of a computed default: how it is computed. */
  readonly computed?: string;
}

/** A schema of a value with its words. */
export function setting<const Schema extends v.GenericSchema>(schema: Schema, words: Words<v.InferOutput<Schema>>) {
  const { label, hint, ...metadata } = words;
  return v.pipe(schema, v.title(label), v.description(hint), v.metadata(metadata));
}

/** A whole number, both ends included. */
export function whole(min: number, max: number) {
  return v.pipe(
    v.number('expected a number'),
    v.safeInteger('expected a whole number'),
    v.minValue(min, `at least ${min}`),
    v.maxValue(max, `at most ${max}`),
  );
}

/** A whole number that has no largest. */
export function wholeFrom(min: number) {
  return v.pipe(
    v.number('expected a number'),
    v.safeInteger('expected a whole number'),
    v.minValue(min, `at least ${min}`),
  );
}

/** A number, both ends included. */
export function real(min: number, max: number) {
  return v.pipe(v.number('expected a number'), v.minValue(min, `at least ${min}`), v.maxValue(max, `at most ${max}`));
}

/** An entry of a table: the setting itself, or wrapped where it can be left out. */
type Entry = v.ObjectEntries[string];
export type SettingsTable = v.ObjectEntries;

type Wrapped = { readonly type: 'optional' | 'exact_optional'; readonly wrapped: v.GenericSchema };
type Required<E> = E extends Wrapped ? E['wrapped'] : E;
type Requestable<E> = E extends Wrapped ? v.ExactOptionalSchema<E['wrapped'], undefined> : E;

function isWrapped(entry: Entry): entry is Entry & Wrapped {
  return entry.type === 'optional' || entry.type === 'exact_optional';
}

/** The setting of an entry: the schema of a value that is there. */
export function settingOf<E extends Entry>(entry: E): Required<E> {
  return (isWrapped(entry) ? entry.wrapped : entry) as Required<E>; // what TypeScript cannot see in a generic
}

function mapEntries(table: SettingsTable, change: (entry: Entry) => Entry): SettingsTable {
  return Object.fromEntries(Object.entries(table).map(([name, entry]) => [name, change(entry)]));
}

/** The entries of what is asked for: what has a default may be left out, and then stays out. */
export function requestEntries<Table extends SettingsTable>(table: Table) {
  const entries = mapEntries(table, (entry) => (isWrapped(entry) ? v.exactOptional(entry.wrapped) : entry));
  return entries as { readonly [Name in keyof Table]: Requestable<Table[Name]> };
}

/** What is asked for. */
export type RequestOf<Table extends SettingsTable> = v.InferOutput<
  v.StrictObjectSchema<ReturnType<typeof requestEntries<Table>>, undefined>
>;

type Stored<E> = E extends { readonly type: 'exact_optional'; readonly wrapped: infer S } ? S : E;

/** The entries of what is kept in full. A file of an older program lacks what came later: that reads as its default. */
export function storedEntries<Table extends SettingsTable>(table: Table) {
  const entries = mapEntries(table, (entry) => (entry.type === 'exact_optional' ? settingOf(entry) : entry));
  return entries as { readonly [Name in keyof Table]: Stored<Table[Name]> };
}

type WithDefault<Table> = {
  [Name in keyof Table]: Table[Name] extends { type: 'optional' } ? Name : never;
}[keyof Table];

/** The defaults of a table that are not computed. */
export function defaultsOf<Table extends SettingsTable>(table: Table) {
  const entries = Object.entries(table).filter(([, entry]) => entry.type === 'optional');
  return Object.fromEntries(entries.map(([name, entry]) => [name, v.getDefault(entry)])) as {
    readonly [Name in WithDefault<Table>]: v.InferOutput<Required<Table[Name]> & v.GenericSchema>;
  };
}
