// Reports of evaluations, each with the version it is of, or, for an edit that was not committed, with the edit alone. Facts
// of one run: immutable.
import type { EvaluationReport, SuiteRole } from '../../contract/domain/evaluationReport.ts';
import type { CheckedForecast } from '../../contract/domain/forecast.ts';
import type { Estimate } from '../../contract/domain/estimate.ts';
import { AppError } from '../../contract/base/errors.ts';
import { canonicalJson, contentId } from '../../core/edits/canonical.ts';
import { shortId } from '../../core/edits/version.ts';
import { checkReportFormat } from '../../core/evaluation/report.ts';
import { checkAuthor } from '../authorship.ts';
import type { Database } from '../database.ts';

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

export interface EvaluationForecast extends Pick<CheckedForecast, 'site' | 'dictionary' | 'correlations' | 'found'> {
  readonly evaluation: string;
  readonly edit: string;
  readonly time: string;
}

export interface Headline {
  readonly suites: readonly {
    readonly name: string;
    readonly role: SuiteRole;
    readonly before: Estimate;
    readonly after: Estimate;
  }[];
  /** Cross-entropy after / before − 1; null where no text was read. */
  readonly increase: number | null;
  /** Features that moved, over all places; null where that was not measured. */
  readonly moved: number | null;
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

  /** What was forecast in evaluations, with how good it was; the newest first. */
  forecasts(): EvaluationForecast[] {
    return this.#database
      .query<[], { id: string; edit: string; time: string; forecasts: string }>(
        `SELECT id, edit, time, json_extract(content, '$.forecasts') AS forecasts FROM evaluations
         WHERE json_type(content, '$.forecasts') = 'array' ORDER BY time DESC, id`,
      )
      .all()
      .flatMap(({ id, edit, time, forecasts }) =>
        // Written by `add`.
        (JSON.parse(forecasts) as readonly CheckedForecast[]).map(({ site, dictionary, correlations, found }) => ({
          ...{ evaluation: id, edit, time },
          ...{ site, dictionary, correlations, found },
        })),
      );
  }

  /** The figures that a list shows of each: rates of the suites, growth of the cross-entropy. */
  headlines(): ReadonlyMap<string, Headline> {
    const rows = this.#database
      .query<[], { id: string; suites: string; increase: number | null; moved: number | null }>(
        `SELECT id,
           (SELECT json_group_array(json_object('name', json_extract(value, '$.name'), 'role', json_extract(value, '$.role'),
              'before', json_extract(value, '$.rate.before'), 'after', json_extract(value, '$.rate.after')))
            FROM json_each(content, '$.suites')) AS suites,
           json_extract(content, '$.text.crossEntropy.relative.value') AS increase,
           (SELECT sum(json_extract(value, '$.moved')) FROM json_each(content, '$.blastRadius')) AS moved
         FROM evaluations`,
      )
      .all();
    return new Map(
      rows.map(({ id, suites, ...rest }) => [id, { suites: JSON.parse(suites) as Headline['suites'], ...rest }]),
    );
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
