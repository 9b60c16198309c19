import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type EvaluationReport, REPORT_FORMAT } from '../../contract/domain/evaluationReport.ts';
import { editId } from '../../core/edits/edit.ts';
import type { Operation } from '../../contract/domain/operations/index.ts';
import { DEFAULT_EVALUATION_SETTINGS } from '../../contract/domain/evaluationSettings.ts';
import type { Project } from '../project/project.ts';
import { DICTIONARY, MODEL, temporaryProject } from '../../testing/storage/temporaryProject.ts';

let project: Project;
let remove: () => void;
beforeEach(async () => ({ project, remove } = await temporaryProject()));
afterEach(() => {
  project.close();
  remove();
});

const operation: Operation = {
  kind: 'ablate',
  feature: 7,
  dictionary: DICTIONARY,
  site: 'blocks.0.hook_resid_post',
  scope: { positions: 'notBos' },
  gates: [],
};

function report(operations: readonly Operation[], model = MODEL): EvaluationReport {
  return {
    format: REPORT_FORMAT,
    model,
    edit: { id: editId({ operations }), operations },
    settings: DEFAULT_EVALUATION_SETTINGS,
    suites: [],
    text: null,
    continuations: null,
    blastRadius: [],
    shifts: [],
    baselines: [],
    doses: [],
    verdict: null,
    warnings: ['<b>'],
  };
}

function commit(): string {
  project.versions.begin('main', MODEL, { author: 'Ada' });
  project.versions.setOperation(operation, { author: 'Ada' });
  return project.versions.commit('Ablate', { author: 'Ada' }).id;
}

describe('evaluations', () => {
  it('are kept with their version, and found by it, by the edit, and by the first digits of their id', () => {
    const version = commit();
    const kept = project.evaluations.add(report([operation]), version, { author: 'Ada' });
    const loose = project.evaluations.add(report([operation]), null, { author: 'Ben' });
    expect(project.evaluations.list({ version })).toEqual([kept]);
    expect(new Set(project.evaluations.list({ edit: kept.edit }).map(({ id }) => id))).toEqual(
      new Set([kept.id, loose.id]),
    );
    expect(project.evaluations.get(kept.id.slice(0, 12))).toEqual({ ...kept, report: report([operation]) });
    expect(kept).toMatchObject({ passes: null, author: 'Ada', model: MODEL });
  });

  it('of another edit, another model or no version at all are refused, and nothing is kept', () => {
    const version = commit();
    const add = (what: EvaluationReport, of: string) => () => project.evaluations.add(what, of, { author: 'Ada' });
    expect(add(report([{ ...operation, feature: 8 }]), version)).toThrow(/another edit/u);
    expect(add(report([operation], 'f'.repeat(64)), version)).toThrow(/another model/u);
    expect(add(report([operation]), 'a'.repeat(64))).toThrow(/no version/u);
    expect(() => project.evaluations.get('abcd')).toThrow(/no evaluation/u);
    expect(() => project.evaluations.get("' OR 1")).toThrow(/no evaluation/u);
    expect(project.evaluations.list()).toEqual([]);
  });

  it('with a number that is not finite are refused', () => {
    const bad = { ...report([operation]), shifts: [{ site: 'x', meanNorm: NaN, share: 0 }] };
    expect(() => project.evaluations.add(bad, null, { author: 'Ada' })).toThrow(/NaN is not a number/u);
    expect(project.evaluations.list()).toEqual([]);
  });

  it('list their headlines, and the forecasts that were checked', () => {
    const version = commit();
    const rate = { value: 0.5, low: 0.4, high: 0.6, n: 80 };
    const suite = { name: 'jailbreak', role: 'target', rate: { before: rate, after: rate, difference: rate } };
    const checked = {
      ...{ site: 'blocks.0.hook_resid_post', dictionary: DICTIONARY, strongest: [] },
      correlations: { forecast: rate, decoderCosine: null, cofiring: null, firingRate: rate },
      found: { hits: 3, of: 20, byChance: 0.4 },
    };
    const whole = { ...report([operation]), suites: [suite], forecasts: [checked] } as unknown as EvaluationReport;
    const { id } = project.evaluations.add(whole, version, { author: 'Ada' });
    const older = project.evaluations.add(report([operation]), version, { author: 'Ada' });
    const headlines = project.evaluations.headlines();
    expect(headlines.get(id)).toEqual({
      suites: [{ name: 'jailbreak', role: 'target', before: rate, after: rate }],
      ...{ increase: null, moved: null },
    });
    expect(headlines.get(older.id)?.suites).toEqual([]);
    expect(project.evaluations.forecasts()).toMatchObject([
      { evaluation: id, site: checked.site, found: checked.found },
    ]);
  });
});
