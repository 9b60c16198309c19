// What is being entered for a table of settings. What is left empty keeps its default; until everything that was entered is
// allowed and nothing required is missing, there is nothing to ask with.
import * as v from 'valibot';
import { requestEntries, settingOf, type RequestOf, type SettingsTable } from '../../../main/contract/base/setting.ts';
import { factsOf, requirementOf, type SettingFacts } from '../../../main/contract/base/settingFacts.ts';

/** A draft of any table, as a field sees it. */
export interface AnySettingsDraft {
  facts(name: string): SettingFacts;
  /** What its field holds: what was entered, else what it begins with; undefined: nothing. */
  value(name: string): unknown;
  enter(name: string, value: unknown): void;
  /** Null where there is nothing wrong. */
  problem(name: string): string | null;
}

export class SettingsDraft<const Table extends SettingsTable> implements AnySettingsDraft {
  readonly table: Table;
  readonly names: readonly (keyof Table & string)[];
  readonly #facts: Readonly<Record<string, SettingFacts>>;
  /** Undefined: a field that was emptied. */
  readonly #entered = $state<Record<string, unknown>>({});
  readonly #starts: () => Partial<RequestOf<Table>>;

  /** @param starts what fields begin with, where that is not the usual value of a required setting, or nothing. */
  constructor(table: Table, starts: () => Partial<RequestOf<Table>> = () => ({})) {
    this.table = table;
    this.names = Object.keys(table);
    this.#facts = Object.fromEntries(Object.entries(table).map(([name, entry]) => [name, factsOf(entry)]));
    this.#starts = starts;
  }

  /** Null: something is missing or not allowed. */
  readonly given: RequestOf<Table> | null = $derived.by(() => {
    const entries = this.names.map((name) => [name, this.value(name)] as const);
    const parsed = v.safeParse(
      v.strictObject(requestEntries(this.table)),
      Object.fromEntries(entries.filter(([, value]) => value !== undefined)),
    );
    return parsed.success ? parsed.output : null;
  });

  facts(name: string): SettingFacts {
    const facts = this.#facts[name];
    if (facts) return facts;
    throw new RangeError(`There is no setting ${name}.`);
  }

  value(name: string): unknown {
    if (name in this.#entered) return this.#entered[name];
    const starts: Readonly<Record<string, unknown>> = this.#starts();
    return starts[name] ?? this.facts(name).usual;
  }

  enter(name: string, value: unknown): void {
    this.#entered[name] = value;
  }

  problem(name: string): string | null {
    const [entry, value] = [this.table[name], this.value(name)];
    if (!entry || value === undefined || v.is(settingOf(entry), value)) return null;
    return `It must be ${requirementOf(this.facts(name))}.`;
  }
}
