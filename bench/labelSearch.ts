// Full-text search over as many labels as the largest common dictionary has features: the time from a query typed to
// ranked, highlighted hits, over queries that real searching is made of. The promise is a median under 50 ms.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import type { LabelRow } from '../main/core/labels/labelsFile.ts';
import { createProject } from '../main/storage/project/create.ts';

const DICTIONARY = 'a'.repeat(64);
const SUBJECTS =
  'requests refusals apologies numbers dates names places colours animals verbs nouns pronouns quotes brackets commas newlines code functions variables loops strings errors warnings medicine law chemistry weapons drugs politics religion gender age France Germany Python Latin Arabic Chinese mathematics proofs questions answers greetings insults praise doubt certainty past future negation lists headings links'.split(
    ' ',
  );
const QUALITIES =
  'harmful harmless polite formal informal repeated first last bold quoted capitalised misspelt translated technical legal medical romantic sarcastic uncertain explicit implicit nested empty long short'.split(
    ' ',
  );
const CONTEXTS =
  'at the start of a sentence;after a colon;in dialogue;inside code blocks;before a list;in the model’s own turn;in the system prompt;near the end of text;following a refusal;in headlines'.split(
    ';',
  );

/** Typed letter by letter, as in a search box; frequent words, rare ones, several, pieces of words, nothing found. */
const QUERIES = [
  'h',
  'ha',
  'har',
  'harm',
  'harmf',
  'harmful',
  'harmful req',
  'harmful requests',
  'code',
  'python loops',
  'translated poli',
  'refus',
  'quoted Latin at the start',
  'mistr',
  'emis',
  'ocks',
  'zzzz',
  'of',
  'in the',
  'feature 65535',
  'note on 4242',
  'chemistry explicit dialogue',
  'ün',
  'capitalised names before',
];

/** A generator with a seed (mulberry32), so that every run searches the same labels. */
function random(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

async function* rows(count: number): AsyncGenerator<LabelRow> {
  const next = random(1);
  const pick = <T>(from: readonly T[]): T => from[Math.floor(next() * from.length)] ?? (from[0] as T); // lists above: none is empty
  for (let feature = 0; feature < count; feature++) {
    const text = `${pick(QUALITIES)} ${pick(SUBJECTS)} ${pick(CONTEXTS)}`;
    const notes =
      next() < 0.3
        ? `note on ${feature}: fires on ${pick(SUBJECTS)} and ${pick(SUBJECTS)}, see examples ${pick(CONTEXTS)}`
        : '';
    const tags = next() < 0.5 ? [pick(SUBJECTS), pick(QUALITIES)].sort() : [];
    yield {
      line: feature + 2,
      dictionary: DICTIONARY,
      feature,
      patch: { text, notes, tags },
      author: 'bench',
      time: null,
      comments: [],
    };
  }
}

export async function run(options: { readonly args?: readonly string[] } = {}): Promise<Record<string, unknown>> {
  const { values } = parseArgs({
    args: [...(options.args ?? [])],
    options: { labels: { type: 'string', default: '65536' }, rounds: { type: 'string', default: '5' } },
  });
  const count = Math.max(1, Number.parseInt(values.labels, 10) || 65_536);
  const rounds = Math.max(1, Number.parseInt(values.rounds, 10) || 5);
  const folder = mkdtempSync(join(tmpdir(), 'errata-bench-'));
  try {
    const project = await createProject(join(folder, 'project'));
    const staged = await project.importLabels(rows(count));
    const importStart = performance.now();
    staged.apply('keep', { author: 'bench' });
    const importSeconds = (performance.now() - importStart) / 1000;
    staged.close();
    const times: { query: string; ms: number; hits: number }[] = [];
    for (let round = 0; round < rounds; round++) {
      for (const query of QUERIES) {
        const start = performance.now();
        const hits = project.search(query).length;
        times.push({ query, ms: performance.now() - start, hits });
      }
    }
    project.close();
    const sorted = times.map(({ ms }) => ms).sort((a, b) => a - b);
    const quantile = (q: number) => sorted[Math.min(sorted.length - 1, Math.floor(q * sorted.length))] ?? Number.NaN;
    const slowest = times.reduce((a, b) => (b.ms > a.ms ? b : a));
    return {
      labels: count,
      queries: times.length,
      medianMs: quantile(0.5),
      p95Ms: quantile(0.95),
      maxMs: slowest.ms,
      slowestQuery: slowest.query,
      medianMsByQuery: Object.fromEntries(
        QUERIES.map((query) => {
          const own = times
            .filter((time) => time.query === query)
            .map(({ ms }) => ms)
            .sort((a, b) => a - b);
          return [query, Number((own[own.length >> 1] ?? Number.NaN).toFixed(2))];
        }),
      ),
      importSeconds,
      isUnderPromise: quantile(0.5) < 50,
    };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
