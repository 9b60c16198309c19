// The fault campaign: rounds, each with a fault and a kind of job drawn from a seed. After each the project is opened again,
// what was acknowledged is looked for, and the job that was left is finished, by a command or in a window: it must come to
// what it comes to when nobody disturbs it, to the last bit.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { Random } from '../../main/core/numerics/random.ts';
import { openProject } from '../../main/storage/project/open.ts';
import { BEGUN_JOBS } from '../../main/testing/hosts/begunJobs.ts';
import { FAULTS, type Left, type Round } from './faults.ts';
import { Ledger } from './ledger.ts';
import { differences, hashOf, productsOf } from './products.ts';
import { command, startTarget } from './target.ts';
import { makeTemplate, type Template } from './template.ts';

export interface CampaignOptions {
  readonly seed: number;
  /** Of jobs; all when left out. */
  readonly kinds?: readonly string[];
  /** Whether another round is to begin. */
  readonly goesOn: (rounds: number) => boolean;
  /** One line a round. */
  readonly onRound?: (line: string) => void;
}

export interface Tally {
  rounds: number;
  kills: number;
  acknowledged: number;
  /** What was acknowledged and is gone, in words. */
  readonly lost: string[];
  /** Jobs that were finished after a fault, and that came to the same bits. */
  resumed: number;
  identical: number;
  /** Everything else that is not as promised, in words. */
  readonly wrong: string[];
  readonly byFault: Record<string, number>;
  readonly byKind: Record<string, number>;
}

export async function campaign({
  seed,
  kinds = Object.keys(BEGUN_JOBS),
  goesOn,
  onRound,
}: CampaignOptions): Promise<Tally> {
  const work = await mkdtemp(join(tmpdir(), 'errata-torture-'));
  const tally: Tally = {
    ...{ rounds: 0, kills: 0, acknowledged: 0, resumed: 0, identical: 0 },
    ...{ lost: [], wrong: [], byFault: {}, byKind: {} },
  };
  try {
    const template = await makeTemplate(work);
    const known = await jobIds(template.folder);
    const faults = Object.keys(FAULTS);
    for (let number = 0; goesOn(number); number++) {
      const random = Random.forPart(seed, number);
      // Every fault and every kind in turn, in pairs that change from one turn to the next.
      const fault = faults[number % faults.length] ?? '';
      const kind =
        kinds[(number + Math.floor(number / faults.length) + random.below(kinds.length)) % kinds.length] ?? '';
      const startedAt = performance.now();
      const said = await round({ fault, kind, random, template, known, tally, name: `round-${number}` });
      const seconds = ((performance.now() - startedAt) / 1000).toFixed(1);
      onRound?.(`${String(number).padStart(4)}  ${fault}, ${kind}: ${said} (${seconds} s)`);
    }
  } finally {
    await rm(work, { recursive: true, force: true, maxRetries: 5 });
  }
  return tally;
}

interface RoundOptions {
  readonly fault: string;
  readonly kind: string;
  readonly random: Random;
  readonly template: Template;
  readonly known: ReadonlySet<string>;
  readonly tally: Tally;
  readonly name: string;
}

/** @returns what came of it, in words. */
async function round({ fault, kind, random, template, known, tally, name }: RoundOptions): Promise<string> {
  const ledger = new Ledger();
  const wrong: string[] = [];
  let kills = 0;
  let outcome = 'nothing was begun';
  const folder = await template.copy(name);
  try {
    const options: Round = {
      ...{ random, folder, kind, ledger, known },
      milliseconds: async (face) => (await template.undisturbed(kind, face)).milliseconds,
      wrong: (what) => wrong.push(what),
      killed: () => (kills += 1),
    };
    const left = (await FAULTS[fault]?.(options)) ?? null;
    const lost = await ledger.lost(folder);
    tally.lost.push(...lost.map((what) => `${name}, ${fault}, ${kind}: ${what}`));
    if (left) outcome = await finish(left, options, template, tally);
    const lostLater = left ? await ledger.lost(folder) : [];
    tally.lost.push(...lostLater.map((what) => `${name}, ${fault}, ${kind}, after the job was finished: ${what}`));
  } catch (thrown) {
    wrong.push(thrown instanceof Error ? (thrown.stack ?? thrown.message) : String(thrown));
  } finally {
    await rm(dirname(folder), { recursive: true, force: true, maxRetries: 5 });
  }
  tally.rounds += 1;
  tally.kills += kills;
  tally.acknowledged += ledger.acknowledged;
  tally.byFault[fault] = (tally.byFault[fault] ?? 0) + 1;
  tally.byKind[kind] = (tally.byKind[kind] ?? 0) + 1;
  tally.wrong.push(...[...wrong, ...ledger.internal].map((what) => `${name}, ${fault}, ${kind}: ${what}`));
  return `${outcome}; ${ledger.acknowledged} acknowledged, ${kills} killed`;
}

/** Finishes a job by the one face or the other, and compares what it made. */
async function finish(
  { job, face }: NonNullable<Left>,
  round: Round,
  template: Template,
  tally: Tally,
): Promise<string> {
  const { folder, random, kind, wrong } = round;
  const state = await stateOf(folder, job);
  let output: string | null = null;
  if (state !== 'succeeded') {
    if (random.uniform() < 0.5) {
      const { code, said, result } = await command(['job', 'resume', job, '--project', folder, '--device', 'cpu']);
      if (code !== 0) wrong(`The job cannot be resumed by a command: ${said.slice(-500)}`);
      else output = hashOf(result?.['output'], folder);
    } else {
      const target = await startTarget(folder);
      try {
        await target.api.job.resume({ id: job });
        const ended = await target.ended(job);
        if (ended.state !== 'succeeded') wrong(`The job, resumed, is ${ended.state}: ${ended.error?.message ?? ''}`);
        else output = hashOf(await target.api.job.output({ id: job }), folder);
      } finally {
        await target.stop();
      }
    }
  }
  if ((await stateOf(folder, job)) !== 'succeeded') return `${state}, not finished`;
  const expected = await template.undisturbed(kind, face);
  const different = [...differences(expected.products, await productsOf(folder, template.folder))];
  if (output !== null && expected.output !== null && output !== expected.output) different.push('its output differs');
  tally.resumed += 1;
  if (different.length === 0) tally.identical += 1;
  else wrong(`The job came to something else: ${different.join(', ')}`);
  return `${state}, then finished${different.length === 0 ? ', same bits' : `: ${different.join(', ')}`}`;
}

async function stateOf(folder: string, job: string): Promise<string> {
  const project = await openProject(folder, { host: 'the campaign', backups: false });
  try {
    return project.jobs.get(job).state;
  } finally {
    project.close();
  }
}

async function jobIds(folder: string): Promise<ReadonlySet<string>> {
  const project = await openProject(folder, { readOnly: true });
  try {
    return new Set(project.jobs.list().map(({ id }) => id));
  } finally {
    project.close();
  }
}
