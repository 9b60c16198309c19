// Reports of evaluations, each with the version it is of, or, for an edit that was not committed, with the edit alone. Facts
// of one run: immutable.
import { AppError } from '../contract/errors.ts';
import { canonicalJson, contentId } from '../edits/canonical.ts';
import { shortId } from '../edits/version.ts';
import { checkReportFormat, type EvaluationReport } from '../evaluation/report.ts';
import type { Database } from './database.ts';
import { checkAuthor } from './labelStore.ts';

/** What a list shows of an evaluation. */
export interface EvaluationSummary {
  readonly id: string;
  readonly version: string | null;
  readonly edit: string;
  readonly model: string;
  /** Null: it was made without a budget. */
  readonly passes: boolean | null;
  readonly author: string;
  readonly time: string;
}

export interface StoredEvaluation extends EvaluationSummary {
  readonly report: EvaluationReport;
}

interface Row extends Omit<EvaluationSummary, 'passes'> {
  readonly passes: number | null;
}

const COLUMNS = 'id, version, edit, model, passes, author, time';

export class EvaluationStore {
  readonly #database: Database;
  readonly #now: () => string;

  constructor(database: Database, now: () => string) {
    this.#database = database;
    this.#now = now;
  }

  /**
   * @param version whose operations are those of the report's edit, or null.
   * @throws AppError `not-found` for an unknown version, `mismatch` for one of another edit or model.
   */
  add(report: EvaluationReport, version: string | null, by: { readonly author: string }): EvaluationSummary {
    const author = checkAuthor(by.author);
    const time = this.#now();
    const id = contentId({ report, version, author, time });
    const passes = report.verdict?.passes ?? null;
    this.#database.write(() => {
      if (version !== null) {
        const row = this.#database
          .query<[string], { edit: string; model: string }>('SELECT edit, model FROM versions WHERE id = ?')
          .get(version);
        if (row === undefined) throw new AppError('not-found', `There is no version ${shortId(version)}.`);
        if (row.edit !== report.edit.id || row.model !== report.model) {
          throw new AppError(
            'mismatch',
            `The evaluation is of another edit or of another model than version ${shortId(version)}.`,
          );
        }
      }
      this.#database
        .query<[string, string | null, string, string, number | null, string, string, string]>(
          `INSERT INTO evaluations (${COLUMNS}, content) VALUES (?, ?, ?, ?, ?, ?, ?, ?)`,
        )
        .run(
          id,
          version,
          report.edit.id,
          report.model,
          passes === null ? null : Number(passes),
          author,
          time,
          canonicalJson(report),
        );
    });
    return { id, version, edit: report.edit.id, model: report.model, passes, author, time };
  }

  /** The newest first. @param filter of one version, or of one edit whatever versions have it. */
  list(
    filter: { readonly version?: string | undefined; readonly edit?: string | undefined } = {},
  ): EvaluationSummary[] {
    const where = ['1 = 1'];
    const parameters: string[] = [];
    for (const column of ['version', 'edit'] as const) {
      const value = filter[column];
      if (value === undefined) continue;
      where.push(`${column} = ?`);
      parameters.push(value);
    }
    return this.#database
      .query<string[], Row>(`SELECT ${COLUMNS} FROM evaluations WHERE ${where.join(' AND ')} ORDER BY time DESC, id`)
      .all(...parameters)
      .map(summaryOf);
  }

  /** @param ref the id, or its first four or more digits. @throws AppError `not-found`, `usage`. */
  get(ref: string): StoredEvaluation {
    const rows = /^[0-9a-f]{4,64}$/u.test(ref)
      ? this.#database
          .query<[string, string], Row & { content: string }>(
            `SELECT ${COLUMNS}, content FROM evaluations WHERE id >= ? AND id <= ? LIMIT 2`,
          )
          .all(ref, `${ref}g`)
      : [];
    const [row, other] = rows;
    if (other !== undefined) throw new AppError('usage', `Several evaluations begin with ${ref}: give more digits.`);
    if (row === undefined) {
      throw new AppError('not-found', `There is no evaluation ${JSON.stringify(ref.slice(0, 100))}.`);
    }
    const { content, ...rest } = row;
    return { ...summaryOf(rest), report: checkReportFormat(JSON.parse(content), `Evaluation ${shortId(row.id)}`) };
  }
}

function summaryOf({ passes, ...row }: Row): EvaluationSummary {
  return { ...row, passes: passes === null ? null : passes === 1 };
}
