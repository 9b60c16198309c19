// A behaviour while it is written. What was typed outlives leaving the page and a reload: it is kept in the window's session
// storage until it is saved or put away. Cases carry a key of their own, so that rows stay themselves when others go.
import type { Behaviour, Case } from '../../api/types.ts';
import { newCase } from './caseText.ts';

export interface Row {
  readonly key: number;
  readonly content: Case;
}

interface Kept {
  readonly revision: number;
  readonly behaviour: Behaviour;
}

export class SuiteDraft {
  /** The revision that was opened; 0 for a new behaviour. */
  revision = $state(0);
  head = $state.raw<Omit<Behaviour, 'cases'>>(emptyHead(''));
  rows = $state.raw<readonly Row[]>([]);
  #saved = $state.raw<Behaviour | null>(null);
  readonly #place: string;
  #nextKey = 0;

  /** @param project to which it belongs. @param name empty: a new one. */
  constructor(project: string, name: string) {
    this.#place = `errata-draft ${project} ${name}`;
  }

  readonly behaviour = $derived<Behaviour>({ ...this.head, cases: this.rows.map(({ content }) => content) });
  readonly isChanged = $derived(
    this.#saved === null ? this.rows.length > 0 || this.head.name !== '' : !this.#isAs(this.#saved),
  );

  /** What is stored, unless something of this behaviour was typed and kept. */
  open(stored: Behaviour | null, revision: number): void {
    const kept = this.#kept();
    this.#saved = stored;
    this.revision = kept?.revision ?? revision;
    this.#take(kept?.behaviour ?? stored ?? { ...emptyHead(''), cases: [] });
  }

  /** Replaces everything that is written: a former content, to be saved as a new one. */
  replace(behaviour: Behaviour): void {
    this.#take(behaviour);
    this.keep();
  }

  saved(behaviour: Behaviour, revision: number): void {
    this.#saved = behaviour;
    this.revision = revision;
    sessionStorage.removeItem(this.#place);
  }

  discard(): void {
    sessionStorage.removeItem(this.#place);
    if (this.#saved) this.#take(this.#saved);
  }

  setHead(patch: Partial<Omit<Behaviour, 'cases'>>): void {
    this.head = { ...this.head, ...patch };
    this.keep();
  }

  setCase(index: number, patch: Partial<Case>): void {
    this.rows = this.rows.map((row, at) => (at === index ? { ...row, content: { ...row.content, ...patch } } : row));
    this.keep();
  }

  /** @param after which row; null: at the end. @returns where the first of them is. */
  insert(cases: readonly Case[], after: number | null): number {
    const at = after === null ? this.rows.length : after + 1;
    this.rows = [...this.rows.slice(0, at), ...cases.map((content) => this.#row(content)), ...this.rows.slice(at)];
    this.keep();
    return at;
  }

  paste(prompts: readonly string[], after: number | null): number {
    const like = after === null ? undefined : this.rows[after]?.content;
    return this.insert(
      prompts.map((prompt) => ({ ...newCase(like), prompt })),
      after,
    );
  }

  remove(index: number): void {
    this.rows = this.rows.filter((_, at) => at !== index);
    this.keep();
  }

  keep(): void {
    try {
      const kept: Kept = { revision: this.revision, behaviour: this.behaviour };
      if (this.isChanged) sessionStorage.setItem(this.#place, JSON.stringify(kept));
      else sessionStorage.removeItem(this.#place);
    } catch {
      // It is too large for the storage: then it lasts as long as the page.
    }
  }

  /** Rows that nobody touched are still the objects that were opened. */
  #isAs({ cases, ...head }: Behaviour): boolean {
    return (
      cases.length === this.rows.length &&
      same(head, this.head) &&
      this.rows.every(({ content }, index) => content === cases[index] || same(content, cases[index]))
    );
  }

  #kept(): Kept | null {
    const text = sessionStorage.getItem(this.#place);
    return text === null ? null : (JSON.parse(text) as Kept); // written by `keep`
  }

  #take({ cases, ...head }: Behaviour): void {
    this.head = head;
    this.rows = cases.map((content) => this.#row(content));
  }

  #row(content: Case): Row {
    return { key: this.#nextKey++, content };
  }
}

function emptyHead(name: string): Omit<Behaviour, 'cases'> {
  return { format: 'errata.behaviour.1', name, description: '', aim: 'lower', maxNewTokens: 64 };
}

function same(a: unknown, b: unknown): boolean {
  return JSON.stringify(sorted(a)) === JSON.stringify(sorted(b));
}

/** Members in one order, whoever wrote them. */
function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([key, each]) => [key, sorted(each)]),
  );
}
