// What a face must know of a setting to ask for it: its words, its default, its bounds, which are read from the schema that
// checks them; and how its value is written and read as text.
import * as v from 'valibot';
import { settingOf, type SettingsTable } from './setting.ts';

const metadataSchema = v.object({
  option: v.string(),
  short: v.exactOptional(v.string()),
  unit: v.exactOptional(v.string()),
  scale: v.optional(v.number(), 1),
  choices: v.exactOptional(v.record(v.string(), v.string())),
  hasLineBreaks: v.optional(v.boolean(), false),
  example: v.exactOptional(v.unknown()),
  usual: v.exactOptional(v.unknown()),
  computed: v.exactOptional(v.string()),
});

interface Bounds {
  /** Of a number, or of each of several; undefined where there is no such bound. */
  readonly min: number | undefined;
  readonly max: number | undefined;
  /** The bound itself is not allowed. */
  readonly excludesMin: boolean;
  readonly excludesMax: boolean;
  /** Of a choice. */
  readonly options: readonly string[];
}

export interface SettingFacts extends Readonly<v.InferOutput<typeof metadataSchema>>, Bounds {
  readonly label: string;
  readonly hint: string;
  readonly kind: keyof typeof KINDS;
  readonly isRequired: boolean;
  /** Undefined where it is required or computed. */
  readonly default: unknown;
}

type Facts = Bounds & Pick<SettingFacts, 'unit' | 'scale' | 'hasLineBreaks'>;

interface ValueKind {
  /** What a value must be: 'a whole number, at least 1'. */
  readonly requirement: (facts: Facts) => string;
  /** What is no such value comes out as something that the schema refuses. */
  readonly read: (text: string, facts: Facts) => unknown;
  readonly write: (value: unknown, facts: Facts) => string;
}

const KINDS = {
  whole: {
    requirement: (facts) =>
      `a ${facts.scale === 1 ? 'whole ' : ''}number${facts.unit === undefined ? '' : ` of ${facts.unit}`}${range(facts)}`,
    read: readNumber,
    write: writeNumber,
  },
  number: { requirement: (facts) => `a number${range(facts)}`, read: readNumber, write: writeNumber },
  numbers: {
    requirement: (facts) => `numbers with commas between (each${range(facts).slice(1)}), or none`,
    read: (text, facts) => (text.trim() === 'none' ? [] : text.split(',').map((word) => readNumber(word, facts))),
    write: (value, facts) =>
      Array.isArray(value) && value.length > 0 ? value.map((one) => writeNumber(one, facts)).join(', ') : 'none',
  },
  choice: {
    requirement: ({ options }) => `one of ${options.join(', ')}`,
    read: (text) => text,
    write: String,
  },
  flag: {
    requirement: () => 'yes or no',
    read: (text) => (text === 'yes' ? true : text === 'no' ? false : text),
    write: (value) => (value === true ? 'yes' : 'no'),
  },
  text: {
    requirement: () => 'text',
    read: (text, { hasLineBreaks }) => (hasLineBreaks ? text.replaceAll('\\n', '\n') : text),
    write: (value, { hasLineBreaks }) => (hasLineBreaks ? String(value).replaceAll('\n', '\\n') : String(value)),
  },
} satisfies Record<string, ValueKind>;

function readNumber(text: string, { scale }: Facts): number {
  const value = text.trim() === '' ? NaN : Number(text);
  return scale === 1 ? value : Math.ceil(value * scale);
}

function writeNumber(value: unknown, { scale }: Facts): string {
  return String(Number(value) / scale);
}

function range({ min, max, excludesMin, excludesMax, scale }: Facts): string {
  const inUnits = (bound: number) => (scale === 1 ? bound : Number((bound / scale).toPrecision(2)));
  const least = min === undefined ? '' : `, ${excludesMin ? 'more than' : 'at least'} ${inUnits(min)}`;
  const most = max === undefined ? '' : `, ${excludesMax ? 'less than' : 'at most'} ${inUnits(max)}`;
  return least + most;
}

/** @throws TypeError for a schema of a kind that no face can ask for. */
export function factsOf(entry: SettingsTable[string]): SettingFacts {
  const schema = settingOf(entry);
  const checks = [...checksOf(schema)];
  return {
    ...v.parse(metadataSchema, v.getMetadata(schema)),
    ...boundsOf(checks),
    label: v.getTitle(schema) ?? '',
    hint: v.getDescription(schema) ?? '',
    kind: kindOf(checks),
    isRequired: schema === entry,
    default: v.getDefault(entry),
  };
}

/** What a value must be, as a sentence's end: 'a whole number, at least 1'. */
export function requirementOf(facts: SettingFacts): string {
  return KINDS[facts.kind].requirement(facts);
}

/** As it is written on the command line, and in a field of one line. */
export function writeSetting(facts: SettingFacts, value: unknown): string {
  return KINDS[facts.kind].write(value, facts);
}

/** Still to be checked by the setting's schema. */
export function readSetting(facts: SettingFacts, text: string): unknown {
  return KINDS[facts.kind].read(text, facts);
}

interface Check {
  readonly type: string;
  readonly requirement?: unknown;
  readonly options?: unknown;
}

/** The schema without its pipe, and all checks of the pipe; of an array, those of its items too. */
function* checksOf(schema: v.GenericSchema): Generator<Check> {
  if (!isPiped(schema)) {
    yield schema;
    if (isArray(schema)) yield* checksOf(schema.item);
    return;
  }
  const [first, ...rest] = schema.pipe;
  yield* checksOf(first);
  yield* rest;
}

function isPiped(
  schema: v.GenericSchema,
): schema is v.GenericSchema & { readonly pipe: [v.GenericSchema, ...Check[]] } {
  return 'pipe' in schema;
}

function isArray(schema: v.GenericSchema): schema is v.ArraySchema<v.GenericSchema, undefined> {
  return schema.type === 'array';
}

function kindOf(checks: readonly Check[]): SettingFacts['kind'] {
  const types = checks.map(({ type }) => type);
  if (types.includes('array')) return 'numbers';
  if (types.includes('number')) return types.includes('safe_integer') ? 'whole' : 'number';
  if (types.includes('picklist')) return 'choice';
  if (types.includes('boolean')) return 'flag';
  if (types.includes('string')) return 'text';
  throw new TypeError(`No face can ask for a setting made of ${types.join(', ')}.`);
}

function boundsOf(checks: readonly Check[]): Bounds {
  const bound = (name: string) => {
    const requirement = checks.find(({ type }) => type === name)?.requirement;
    return typeof requirement === 'number' ? requirement : undefined;
  };
  const [above, below] = [bound('gt_value'), bound('lt_value')];
  const options = checks.find(({ type }) => type === 'picklist')?.options;
  return {
    min: above ?? bound('min_value'),
    max: below ?? bound('max_value'),
    excludesMin: above !== undefined,
    excludesMax: below !== undefined,
    options: Array.isArray(options) ? options.map(String) : [],
  };
}
