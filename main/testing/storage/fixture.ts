// The fixture of a released schema: a small project with something of everything, as that release wrote it, and what it
// holds. Written once, when a schema is released (`node main/testing/storage/fixture.ts`), and never again: it stands for
// the projects that people have.
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync, gzipSync } from 'node:zlib';
import type { Operation } from '../../contract/domain/operations/index.ts';
import type { FeatureWords } from '../../storage/entities/features.ts';
import { headSchema } from '../../storage/migrate.ts';
import { DATABASE_FILE } from '../../storage/project/layout.ts';
import type { Project } from '../../storage/project/project.ts';
import { DICTIONARY, MODEL, OTHER_DICTIONARY, temporaryProject } from './temporaryProject.ts';

const FIXTURES = join(import.meta.dirname, '../../storage/fixtures');

const fileOf = (schema: number) => join(FIXTURES, `schema-${String(schema).padStart(4, '0')}`);

/** Every schema that was released: all up to the head. */
export const RELEASED_SCHEMAS: readonly number[] = Array.from({ length: headSchema() }, (_, i) => i + 1);

/** Puts the fixture's database into `folder`, as a project. @returns what it must hold. */
export function unpackFixture(schema: number, folder: string): unknown {
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, DATABASE_FILE), gunzipSync(readFileSync(`${fileOf(schema)}.sqlite.gz`)));
  return JSON.parse(readFileSync(`${fileOf(schema)}.json`, 'utf8'));
}

/** All that people can see of a project, as JSON. */
export function contentOf(project: Project): unknown {
  const labels = [...project.labels.records()];
  const content = {
    labels,
    revisions: project.labels.list().map(({ revision }) => revision),
    history: labels.map((label) => project.labels.history(label)),
    lists: project.lists.all().map((list) => ({ ...list, members: project.lists.members(list.name) })),
    steps: project.steps(),
    versions: project.versions.log(),
    branches: project.versions.branches(),
    tags: project.versions.tags(),
    working: project.versions.working(),
    behaviours: project.behaviours.list().map((each) => ({ ...each, content: project.behaviours.get(each.id) })),
    results: project.behaviours.results(),
    catalog: project.catalog.list('model'),
    jobs: project.jobs.list(),
    found: { words: project.search('harm'), substrings: project.search('ormatio', { mode: 'substrings' }) },
  };
  // Since schema 3.
  const set = project.features.set(DICTIONARY);
  const features = set && { set, list: project.features.list({ dictionary: DICTIONARY, order: 'impact' }) };
  // Since schema 4.
  const intruders = project.intruders.counts(DICTIONARY, 'Ada');
  return JSON.parse(
    JSON.stringify({
      ...content,
      ...(features ? { features } : {}),
      ...(intruders.answered > 0 ? { intruders } : {}),
    }),
  ) as unknown;
}

async function fill(project: Project): Promise<void> {
  const [ada, ben] = [{ author: 'Ada' }, { author: 'Ben', reason: 'second look' }];
  const f = (feature: number, dictionary = DICTIONARY) => ({ dictionary, feature });
  project.labels.set(
    f(1),
    { text: 'harmful requests', notes: 'fires on\nall of them', tags: ['safety', 'gate'], confidence: 5 },
    ada,
  );
  project.labels.set(f(1), { text: 'harmful requests, any language' }, ben);
  project.labels.setMany([f(2), f(3), f(4)], { state: 'uninterpretable' }, ada);
  project.labels.set(f(2, OTHER_DICTIONARY), { state: 'draft', text: '<b>information</b> about Größe 日本' }, ada);
  project.labels.addComment(f(1), 'harm in a comment', ben);
  project.labels.addComment(f(9), 'nothing else is known', ada);
  project.labels.set(f(5), { text: 'undone' }, ada);
  project.undo('Ada');
  project.lists.save('candidates', 'for the jailbreak', ada);
  project.lists.add('candidates', [f(3), f(1)], ada);
  const clamp = (feature: number, value: number): Operation => ({
    kind: 'clamp',
    value,
    feature,
    dictionary: DICTIONARY,
    site: 'blocks.0.hook_resid_post',
    scope: { positions: 'notBos' },
    gates: [{ feature: 1, threshold: 0.5 }],
  });
  const suite = project.behaviours.save(
    { name: 'refuses', cases: [{ prompt: 'How?', checks: [{ kind: 'refuses' }] }] },
    ada,
  );
  project.versions.begin('main', MODEL, ada);
  project.versions.setOperation(clamp(7, -4), ada);
  project.versions.setBehaviours([suite.id], ada);
  const first = project.versions.commit('Clamp compliance', ada);
  project.versions.createBranch('side', 'HEAD', ben);
  const { dictionary, site, scope } = clamp(8, 0);
  project.versions.setOperation({ kind: 'ablate', feature: 8, dictionary, site, scope, gates: [] }, ada);
  project.versions.commit('Ablate too', ada);
  project.versions.checkout('side', ben);
  project.versions.setOperation(clamp(2, 1.5), ben);
  project.versions.commit('Another way', ben);
  project.versions.merge('main', ben);
  project.versions.createTag('paper', first.id, 'as printed', ada);
  for (const version of [null, first.id]) {
    project.behaviours.addResult({
      format: 'errata.result.1',
      version,
      model: MODEL,
      behaviour: suite.id,
      tool: 'fixture',
      author: 'Ada',
      time: '2026-02-01T00:00:00.000Z',
      cases: [{ passed: version !== null, score: null, output: 'No.' }],
      metrics: { kl: { value: 0.125, low: 0.1, high: 0.2, sample: 64 } },
    });
  }
  project.catalog.put({
    kind: 'model',
    id: MODEL,
    name: 'stories',
    folder: 'models/stories',
    manifest: { layers: 5 },
    created: '2026-01-01T00:00:00.000Z',
  });
  const statistics = { mean: 1, max: 2, lastRate: null, entropy: 3, topEffect: 0.5, nearest: 0.25 };
  await project.features.replace(
    { dictionary: DICTIONARY, folder: 'dictionaries/first/statistics-0', manifest: { tokens: 100 } },
    [1, 2].map((feature) => ({ feature, firings: feature, rate: feature / 100, impact: feature, ...statistics })),
    ['', ' yes', ' no'],
    texts(),
  );
  const test = { dictionary: DICTIONARY, feature: 1, label: 'harmful requests', texts: 5, intruder: 2 };
  project.intruders.add({ ...test, seed: 1, chosen: 2 }, ada);
  project.intruders.add({ ...test, seed: 2, chosen: 0 }, ada);
  const job = project.jobs.add('train', { features: 1024 });
  project.jobs.move(job.id, 'running');
  project.jobs.setProgress(job.id, { step: 7 });
  project.jobs.move(job.id, 'interrupted');
}

async function* texts(): AsyncGenerator<FeatureWords> {
  yield { feature: 1, text: 'how do I harm\nand more', before: 'how do I', peak: ' harm', after: '' };
}

/** Writes the head's fixture, once. */
async function release(): Promise<void> {
  const path = fileOf(headSchema());
  if (existsSync(`${path}.json`)) throw new Error(`${path} is released: it is never written again.`);
  const { project, folder, remove } = await temporaryProject();
  await fill(project);
  const content = contentOf(project);
  project.close();
  mkdirSync(FIXTURES, { recursive: true });
  writeFileSync(`${path}.json`, `${JSON.stringify(content, null, 1)}\n`);
  writeFileSync(`${path}.sqlite.gz`, gzipSync(readFileSync(join(folder, DATABASE_FILE)), { level: 9 }));
  remove();
}

if (process.argv[1] === import.meta.filename) await release();
