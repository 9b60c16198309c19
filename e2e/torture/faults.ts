// The ways in which a round goes wrong, as a table: what is added here is tried by every campaign. Each takes a copy of the
// template, has a host or a command do a job in it while a person writes, does its harm, and gives back what it must all come
// to: the job that is to be finished after it, if one was begun.
import { rename } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { JobRecord } from '../../main/storage/entities/jobs.ts';
import { openProject } from '../../main/storage/project/open.ts';
import type { Random } from '../../main/core/numerics/random.ts';
import { attackWithRows } from './hostile.ts';
import type { Ledger } from './ledger.ts';
import type { Face } from './template.ts';
import { command, later, startTarget, wordsOf, type Target } from './target.ts';

export interface Round {
  readonly random: Random;
  readonly folder: string;
  readonly kind: string;
  /** How long the job takes when nobody disturbs it. */
  readonly milliseconds: (face: Face) => Promise<number>;
  readonly ledger: Ledger;
  /** Ids of the jobs that the template has. */
  readonly known: ReadonlySet<string>;
  /** Put down what was not as promised. */
  readonly wrong: (what: string) => void;
  /** Put down a process that was killed. */
  readonly killed: () => void;
}

/** What is left to finish. Null: nothing was begun. */
export type Left = { readonly job: string; readonly face: Face } | null;

export const FAULTS: Readonly<Record<string, (round: Round) => Promise<Left>>> = {
  'kill the host': async (round) => {
    const target = await startTarget(round.folder);
    return amid(round, target, async () => {
      await target.kill();
      round.killed();
    });
  },

  'kill the engine': async (round) => {
    const target = await startTarget(round.folder);
    return amid(round, target, async (begun) => {
      const engine = await target.engine();
      process.kill(engine, 'SIGKILL');
      round.killed();
      await begun;
      for (const { id } of await target.api.job.list()) await target.ended(id); // the host lives, and no job hangs
    });
  },

  'kill the command': async (round) => {
    const isWatched = round.random.uniform() < 0.5;
    const target = isWatched ? await startTarget(round.folder) : null;
    let isOver = false;
    const writing = target ? round.ledger.write(target.api, () => isOver) : Promise.resolve();
    const after = round.random.uniform() * 1.1 * (await round.milliseconds('command'));
    const ran = await command(wordsOf(round.kind, round.folder), after);
    if (ran.isKilled) round.killed();
    else if (ran.code !== 0) round.wrong(`The command failed: ${ran.said.slice(-400)}`);
    isOver = true;
    await writing;
    const [last] = await jobsOf(round);
    if (ran.code === 0 && last?.state !== 'succeeded')
      round.wrong('A command ended well, and its job did not succeed.');
    await target?.stop();
    return last ? { job: last.id, face: 'command' } : null;
  },

  'kill a command without a job': async (round) => {
    const target = await startTarget(round.folder);
    await amid(round, target, () => later(100), { hasJob: false });
    const words = OTHER_COMMANDS[round.random.below(OTHER_COMMANDS.length)] ?? [];
    const ran = await command([...words, '--project', round.folder], 200 + round.random.below(2500));
    if (ran.isKilled) round.killed();
    else if (ran.code !== 0) round.wrong(`errata ${words.join(' ')} failed: ${ran.said.slice(-400)}`);
    return null;
  },

  'fill the disk': async (round) => {
    const room = 64 + round.random.below(2000);
    let target: Target;
    try {
      target = await startTarget(round.folder, room);
    } catch (thrown) {
      if (/internal|TypeError|at .*\.js:/u.test(String(thrown))) round.wrong(`With ${room} KiB: ${String(thrown)}`);
      return null; // no room even to open: it says so
    }
    return amid(round, target, async () => {
      await later(300);
    });
  },

  'take a folder away': async (round) => {
    const names = ['models/sample', 'dictionaries/run', 'activations/store', 'corpora'];
    const name = names[round.random.below(names.length)] ?? '';
    const path = join(round.folder, name);
    const away = join(dirname(round.folder), 'away');
    const target = await startTarget(round.folder);
    return amid(round, target, async () => {
      await rename(path, away);
      try {
        const { api } = target;
        const lists = { jobs: api.job.list(), models: api.model.list(), stores: api.activations.list() };
        const more = {
          dictionaries: api.dictionary.list(),
          exports: api.export.list(),
          texts: api.activations.corpora(),
        };
        for (const [list, answer] of Object.entries({ ...lists, ...more }))
          await answer.catch((thrown: unknown) =>
            round.wrong(`Without ${name}, ${list} cannot be listed: ${String(thrown)}`),
          );
        await later(round.random.below(500));
      } finally {
        await rename(away, path);
      }
    });
  },

  'two hosts': async (round) => {
    const [target, other] = [await startTarget(round.folder), await startTarget(round.folder)];
    let isOver = false;
    const writing = round.ledger.write(other.api, () => isOver, { offset: 100, versions: false });
    const left = await amid(round, target, async () => {
      await target.kill();
      round.killed();
    });
    // The other host is not to take what died with its neighbour for its own, nor for running.
    if (left) {
      const { state } = (await other.api.job.list()).find(({ id }) => id === left.job) ?? {};
      if (state === undefined || state === 'running')
        round.wrong(`Beside a second host, the killed job is ${state ?? 'gone'}.`);
    }
    isOver = true;
    await writing;
    await other.stop();
    return left;
  },

  'a hostile project': async (round) => {
    await attackWithRows(round);
    return null;
  },
};

const OTHER_COMMANDS: readonly (readonly string[])[] = [
  ['generate', 'sample', '--prompt', 'Once upon a time', '--device', 'cpu'],
  ['project', 'backup'],
  ['project', 'check'],
  ['label', 'list'],
];

/** Begins the job, writes meanwhile, and does the harm at a moment of the round's own. */
async function amid(
  round: Round,
  target: Target,
  harm: (begun: Promise<void>) => Promise<void>,
  { hasJob = true } = {},
): Promise<Left> {
  const { ledger, random } = round;
  const kind = hasJob ? round.kind : null;
  const milliseconds = hasJob ? await round.milliseconds('window') : 300;
  let isOver = false;
  let left: Left = null;
  try {
    const begun = (kind === null ? Promise.resolve(null) : target.begin(kind)).then(
      (job) => {
        if (job === null) return;
        ledger.job(job.id, job.kind);
        left = { job: job.id, face: 'window' };
      },
      (thrown: unknown) => ledger.refused('The job', thrown),
    );
    // Bisecting is begun from a working edit that nobody changes.
    if (kind === 'bisect') await begun;
    const writing = ledger.write(target.api, () => isOver);
    await later(random.uniform() * milliseconds * 1.1);
    await harm(begun);
    isOver = true;
    await Promise.all([begun, writing]);
    return left;
  } finally {
    isOver = true;
    await target.stop();
  }
}

/** Begun in this round; the newest first. */
async function jobsOf({ folder, known }: Round): Promise<readonly JobRecord[]> {
  const project = await openProject(folder, { readOnly: true });
  try {
    return project.jobs
      .list()
      .toReversed()
      .filter(({ id }) => !known.has(id));
  } finally {
    project.close();
  }
}
