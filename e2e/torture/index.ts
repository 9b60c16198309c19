// `npm run torture -- [--minutes N | --rounds N] [--seed N]`: the fault campaign for as long as one likes. It prints a line
// for every round and a table at the end, and fails when anything that was acknowledged is lost or anything else is not as promised.
import { parseArgs } from 'node:util';
import { campaign } from './campaign.ts';

const { values } = parseArgs({
  options: {
    minutes: { type: 'string', default: '10' },
    rounds: { type: 'string' },
    seed: { type: 'string', default: String(Date.now() % 1_000_000) },
  },
});
const seed = Number(values.seed);
const end = performance.now() + Number(values.minutes) * 60_000;
const rounds = Number(values.rounds ?? Infinity);
if (![seed, end].every(Number.isFinite) || Number.isNaN(rounds)) {
  console.error('Usage: npm run torture -- [--minutes N | --rounds N] [--seed N]');
  process.exit(2);
}
console.log(`Seed ${seed}.`);
const tally = await campaign({
  seed,
  goesOn: (done) => done < rounds && performance.now() < end,
  onRound: (line) => console.log(line),
});
const { lost, wrong, byFault, byKind, ...figures } = tally;
console.table({ ...figures, lost: lost.length, 'otherwise wrong': wrong.length });
console.table(byFault);
console.table(byKind);
for (const line of [...lost.map((what) => `LOST: ${what}`), ...wrong.map((what) => `WRONG: ${what}`)])
  console.log(line);
process.exitCode = lost.length + wrong.length === 0 ? 0 : 1;
