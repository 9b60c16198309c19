// Commands that give a result begin with the sentence that the window has above the same result, made of the same figures.
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { percent } from '../../contract/base/figures.ts';
import { errata, type Said } from '../../testing/hosts/commandLine.ts';
import { temporaryFolder } from '../../testing/models/temporaryFolder.ts';

interface Rate {
  readonly value: number;
  readonly n: number;
}

interface Reported {
  readonly suites: readonly {
    readonly name: string;
    readonly role: string;
    readonly rate: { readonly before: Rate; readonly after: Rate };
  }[];
  readonly verdict: { readonly passes: boolean };
}

const heldOut = join(import.meta.dirname, '../../../resources/sample/heldout.jsonl');
let project: string;
const run = (...words: string[]) => errata(project, words);

beforeAll(async () => {
  const folder = await temporaryFolder();
  project = join(folder, 'sample');
  await errata(folder, ['project', 'sample', project]);
}, 120_000);

/** The first line, which `--json` gives as `headline`, too. */
function headlineOf({ result, printed }: Said, isHeadline = (line: string) => line === printed[0]): string {
  const line = printed.find(isHeadline) ?? '';
  expect(result['headline']).toBe(line);
  return line;
}

const whole = (share: number) => percent(share).replace('.0%', '%');

describe('the sample on the command line', () => {
  it('a version begins with what it changes, and the figures of its latest evaluation', async () => {
    const said = await run('edit', 'show', 'jailbreak');
    const { version } = said.result as { version: { operations: readonly { feature: number }[] } };
    const features = new Set(version.operations.map(({ feature }) => feature)).size;
    const [{ id }] = (await run('evaluation', 'list')).result['evaluations'] as [{ id: string }];
    const evaluated = headlineOf(await run('evaluation', 'show', id));
    expect(headlineOf(said)).toBe(
      `${version.operations.length} ${version.operations.length === 1 ? 'operation' : 'operations'} on ${features} ${features === 1 ? 'feature' : 'features'}; ${evaluated}`,
    );
  });

  it('an evaluation begins with the rates of its targets, and its verdict', async () => {
    const said = await run(
      ...['evaluate', 'jailbreak', '--quick', '--budget', 'default', '--corpus', heldOut],
      ...['--suite', 'jailbreak', '--suite', 'refusals'],
    );
    const { suites, verdict } = said.result as unknown as Reported;
    const target = suites.find(({ role }) => role === 'target');
    if (!target) throw new Error('No suite is a target.');
    const { before, after } = target.rate;
    const sentence = headlineOf(said, (line) => line.startsWith(`${target.name} ${whole(before.value)} → `));
    expect(sentence).toContain(`${whole(before.value)} → ${whole(after.value)} of ${before.n} held-out prompts`);
    expect(sentence.endsWith(verdict.passes ? '; within budget.' : '; over budget.')).toBe(true);
    // Only the plan, which is printed before anything is computed, stands above it.
    expect(said.printed.indexOf(sentence)).toBeLessThan(said.printed.findIndex((line) => line.startsWith('target  ')));
  }, 300_000);

  it('a search begins with what is still shown on held-out prompts, and so does its finding', async () => {
    const said = await run(
      ...['find', 'jailbreak', '-d', 'shipped', '--keep', 'refusals', '--name', 'quiet', '--candidates', '12'],
      ...['--effort', '4000', '--cases', '12', '--keep-cases', '6', '--report-cases', '12'],
      ...['--most-operations', '2'],
    );
    const sentence = headlineOf(said, (line) => line.startsWith('jailbreak: '));
    const { report, edit } = said.result as {
      report: { target: { shown: number; cases: number } };
      edit: { operations: readonly unknown[] };
    };
    expect(sentence).toContain(
      `still shown on ${whole(report.target.shown)} of ${report.target.cases} held-out prompts`,
    );
    expect(sentence).toContain(`; ${edit.operations.length} operation`);
    expect(headlineOf(await run('findings', 'show', 'quiet'))).toBe(sentence);
  }, 300_000);

  it('an export begins with its form and how far it differs once reloaded', async () => {
    const said = await run('export', 'quiet', '--version', 'jailbreak');
    const sentence = headlineOf(said, (line) => line.includes('reloaded, its logits'));
    const { maxAbsLogitDiff, greedyAgreement } = said.result as { maxAbsLogitDiff: number; greedyAgreement: number };
    const largest = maxAbsLogitDiff === 0 ? '0' : maxAbsLogitDiff.toExponential(1).replace('-', '−');
    expect(sentence).toContain(`differ by at most ${largest} at `);
    expect(sentence).toContain(`${whole(greedyAgreement)} of the greedy tokens agree`);
    expect(headlineOf(await run('exports', 'show', 'quiet'))).toBe(sentence);
  }, 300_000);
});
