// What a person was told is kept: labels, versions, behaviours and jobs, each put down when the host has answered. After every
// fault the project is opened again, and all of it must be there: a label with the text that was acknowledged last, or with one
// that was under way when the host died.
import type { Api } from '../../main/contract/api/contract.ts';
import { toAppError } from '../../main/contract/base/errors.ts';
import { openProject } from '../../main/storage/project/open.ts';
import { SITE } from '../../main/testing/hosts/facesProject.ts';

const DICTIONARY = 'd'.repeat(64);
const FEATURES = 20;

interface Written {
  /** The number of the last text that was acknowledged. */
  acknowledged: number;
  /** That of the last that was sent. */
  sent: number;
}

export class Ledger {
  readonly #labels = new Map<number, Written>();
  readonly #versions = new Set<string>();
  readonly #behaviours = new Map<string, string>();
  readonly #jobs = new Map<string, string>();
  /** Refusals with the code `internal`: a fault of the program, whatever was done to it. */
  readonly internal: string[] = [];
  acknowledged = 0;

  job(id: string, kind: string): void {
    this.#jobs.set(id, kind);
    this.acknowledged += 1;
  }

  refused(what: string, thrown: unknown): void {
    const { code, message } = toAppError(thrown);
    if (code === 'internal') this.internal.push(`${what}: ${message}`);
  }

  /**
   * Writes as fast as it is answered, until `isOver` or until the host no longer answers.
   * @param offset of the features that it labels: each writer has its own.
   * @param versions whether it also commits: the working edit is one for all who have the project open.
   */
  async write(api: Api, isOver: () => boolean, { offset = 0, versions = true } = {}): Promise<void> {
    for (let turn = 1; !isOver(); turn++) {
      try {
        await this.#label(api, offset + (turn % FEATURES), turn);
        if (turn % 5 === 0) await this.#behaviour(api, `b${offset}-${turn}`);
        if (versions && turn % 3 === 0) await this.#commit(api, turn);
      } catch (thrown) {
        if (toAppError(thrown).code === 'disconnected') return;
        this.refused('A write', thrown);
        await new Promise((resolve) => setTimeout(resolve, 5));
      }
    }
  }

  async #label(api: Api, feature: number, turn: number): Promise<void> {
    const known = this.#labels.get(feature) ?? { acknowledged: 0, sent: 0 };
    this.#labels.set(feature, known);
    known.sent = turn;
    const label = await api.label.set({ dictionary: DICTIONARY, feature, patch: { text: `text ${turn}` } });
    if (label?.text !== `text ${turn}`)
      this.internal.push(`The label of ${feature} was answered as "${label?.text ?? ''}".`);
    known.acknowledged = turn;
    this.acknowledged += 1;
  }

  async #behaviour(api: Api, name: string): Promise<void> {
    const checks = [{ kind: 'contains', text: name, ignoreCase: true, expected: false }] as const;
    const one = { role: 'target', split: 'report', system: '', prompt: 'Tell me', raw: true, note: '' } as const;
    const content = { format: 'errata.behaviour.1', name, description: '', aim: 'lower', maxNewTokens: 2 } as const;
    const cases = [{ ...one, checks: [...checks], isHeldOut: false, tags: {} }];
    const { id } = await api.behaviour.save({ behaviour: { ...content, cases } });
    this.#behaviours.set(name, id);
    this.acknowledged += 1;
  }

  async #commit(api: Api, turn: number): Promise<void> {
    const place = { dictionary: DICTIONARY, site: SITE, scope: { positions: 'all' }, gates: [] } as const;
    await api.edit.setOperation({ operation: { kind: 'steer', feature: turn % FEATURES, amount: turn, ...place } });
    const { id } = await api.edit.commit({ message: `Turn ${turn}` });
    this.#versions.add(id);
    this.acknowledged += 1;
  }

  /** Opens the project as the next program does. @returns what was acknowledged and is not there, in words. */
  async lost(folder: string): Promise<readonly string[]> {
    const project = await openProject(folder, { host: 'the campaign', backups: false });
    const lost: string[] = [];
    try {
      const health = project.check();
      if (health.problems.length > 0) lost.push(`The project is not whole: ${health.problems.join(' ')}`);
      for (const [feature, { acknowledged, sent }] of this.#labels) {
        if (acknowledged === 0) continue;
        const text = project.labels.get({ dictionary: DICTIONARY, feature })?.text ?? '';
        const turn = Number(/^text (\d+)$/u.exec(text)?.[1] ?? NaN);
        if (!(turn >= acknowledged && turn <= sent))
          lost.push(`The label of feature ${feature} is "${text}"; acknowledged was "text ${acknowledged}".`);
      }
      for (const id of this.#versions)
        if (!isThere(() => project.versions.get(id))) lost.push(`The version ${id} is gone.`);
      const saved = new Map(project.behaviours.list().map(({ name, id }) => [name, id]));
      for (const [name, id] of this.#behaviours)
        if (saved.get(name) !== id) lost.push(`The behaviour ${name} is ${saved.get(name) ?? 'gone'}.`);
      for (const [id, kind] of this.#jobs)
        if (!isThere(() => project.jobs.get(id))) lost.push(`The job ${kind} ${id} is gone.`);
    } finally {
      project.close();
    }
    return lost;
  }
}

function isThere(get: () => unknown): boolean {
  try {
    get();
    return true;
  } catch {
    return false;
  }
}
