// The commands with which people write: labels, edits, behaviours, undo, recovery. Run as `main` runs them, in this process.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createProject } from '../../../storage/project/create.ts';
import { openProject } from '../../../storage/project/open.ts';
import { parseLine } from '../arguments.ts';
import type { Command, CommandContext } from '../command.ts';
import { behaviourCommands } from './behaviour.ts';
import { editCommands } from './edit.ts';
import { labelCommands } from './label.ts';
import { safetyCommands } from './safety.ts';

const D = 'a'.repeat(64);
const MODEL = 'c'.repeat(64);
const SITE = 'blocks.0.hook_resid_post';
const COMMANDS: readonly Command[] = [...labelCommands, ...editCommands, ...behaviourCommands, ...safetyCommands];

let root: string;
beforeAll(async () => {
  root = mkdtempSync(join(tmpdir(), 'errata-cli-'));
  for (const name of ['p', 'q']) {
    const project = await createProject(join(root, name));
    const created = '2026-01-01T00:00:00.000Z';
    project.catalog.put({
      kind: 'dictionary',
      id: D,
      name: 'first',
      folder: 'dictionaries/first',
      manifest: { site: SITE },
      created,
    });
    if (name === 'p')
      project.catalog.put({
        kind: 'model',
        id: MODEL,
        name: 'stories',
        folder: 'models/stories',
        manifest: {},
        created,
      });
    project.close();
  }
});
afterAll(() => rmSync(root, { recursive: true, force: true }));

/** Of the commands' answers, what is looked into below. */
interface Answer {
  readonly id: string;
  readonly file: string;
  readonly revision: number;
  readonly label: { readonly text: string } | null;
  readonly labels: readonly Record<string, unknown>[];
  readonly history: readonly { readonly change: number }[];
  readonly hits: readonly unknown[];
  readonly comments: readonly unknown[];
  readonly conflicts: readonly unknown[];
  readonly problems: readonly string[];
  readonly steps: readonly unknown[];
  readonly changed: number;
  readonly kappa: number | null;
  readonly passRate: number;
  readonly backup: string;
  readonly version: {
    readonly id: string;
    readonly edit: string;
    readonly operations: readonly unknown[];
    readonly behaviours: readonly string[];
  };
  readonly versions: readonly { readonly message: string }[];
  readonly behaviours: readonly { readonly name: string }[];
  readonly bisection: { readonly next: { readonly kind: string } } | null;
}

/** Runs `errata WORDS …` in a project, as Ada. @returns its JSON (through JSON, as a program sees it) and what it printed. */
async function errata(words: readonly string[], project = 'p'): Promise<{ json: Answer; printed: string }> {
  const line = parseLine(['--project', join(root, project), ...words], COMMANDS);
  if (line.kind !== 'run') throw new Error(`not a command: ${words.join(' ')}`);
  const command = COMMANDS.find(({ name }) => name === line.command.name);
  if (command === undefined) throw new Error('unknown command');
  const printed: string[] = [];
  const context: CommandContext = {
    projectFolder: line.projectFolder,
    json: false,
    signal: new AbortController().signal,
    print: (text) => void printed.push(text),
    progress: () => undefined,
  };
  const values =
    'author' in command.options && line.arguments.values['author'] === undefined
      ? { ...line.arguments.values, author: 'Ada' }
      : line.arguments.values;
  const result = await command.run({ ...line.arguments, values }, context);
  return { json: JSON.parse(JSON.stringify(result)) as Answer, printed: printed.join('\n') };
}

const usage = expect.objectContaining({ code: 'usage' }) as unknown;

describe('errata label', () => {
  it('sets, shows, searches, restores and lists', async () => {
    expect(
      (
        await errata([
          'label',
          'set',
          '12,15,20-22',
          'harmful requests',
          '-t',
          'safety',
          '-c',
          '4',
          '--reason',
          'top examples',
        ])
      ).json,
    ).toMatchObject({ changed: 5 });
    const { json: shown } = await errata(['label', 'show', '12', '-d', 'first']);
    expect(shown).toMatchObject({
      feature: 12,
      label: { text: 'harmful requests', tags: ['safety'], confidence: 4, author: 'Ada' },
    });
    await errata([
      'label',
      'set',
      '12',
      '<b>rude</b> requests',
      '--author',
      'Ben',
      '--revision',
      String(shown.revision),
    ]);
    await expect(errata(['label', 'set', '12', 'x', '--revision', String(shown.revision)])).rejects.toThrow(
      expect.objectContaining({ code: 'conflict' }),
    );
    const {
      json: { history },
      printed,
    } = await errata(['label', 'history', '12']);
    expect(printed).toMatch(/Ben: "harmful requests" → "<b>rude<\/b> requests"/u);
    await errata(['label', 'restore', '12', String(history.at(-1)?.change)]);
    expect((await errata(['label', 'search', 'harmf'])).json.hits).toHaveLength(5);
    expect((await errata(['label', 'search', 'armfu', '--mode', 'substrings'])).printed).toContain(
      'h[armfu]l requests',
    );
    await errata(['label', 'comment', '12', 'seen in chat']);
    expect((await errata(['label', 'show', '12'])).json.comments).toMatchObject([
      { body: 'seen in chat', author: 'Ada' },
    ]);
    await errata(['label', 'collect', 'candidates', '12,15', '--description', 'for the jailbreak']);
    await errata(['label', 'set', 'list:candidates', '-t', 'listed']);
    expect((await errata(['label', 'list', '--tag', 'listed'])).json).toMatchObject({
      labels: [{ feature: 12 }, { feature: 15 }],
      counts: { labelled: 5 },
    });
    expect((await errata(['undo'])).printed).toMatch(/Undone: Label 2 features/u);
    expect((await errata(['label', 'list', '--tag', 'listed'])).json.labels).toEqual([]);
    expect((await errata(['redo'])).json.changed).toBe(2);
    await errata(['label', 'remove', '22']);
    expect((await errata(['label', 'show', '22'])).json.label).toBeNull();
  });

  it('exports and imports without loss, shows first what would change, and merges two people’s files', async () => {
    const [mine, bens, both] = ['mine.csv', 'bens.csv', 'both.jsonl'].map((name) => join(root, name)) as [
      string,
      string,
      string,
    ];
    expect((await errata(['label', 'export', mine])).json).toMatchObject({ labels: 4, format: 'csv' });
    expect((await errata(['label', 'import', mine], 'q')).json).toMatchObject({ added: 4, dryRun: false });
    expect((await errata(['label', 'list'], 'q')).json.labels.map(strip)).toEqual(
      (await errata(['label', 'list'])).json.labels.map(strip),
    );
    writeFileSync(bens, readFileSync(mine, 'utf8').replace('harmful requests', 'rude requests'));
    const preview = await errata(['label', 'import', bens, '--rule', 'replace', '--dry-run']);
    expect(preview.json).toMatchObject({ conflicts: 1, changed: 1, same: 3, dryRun: true });
    expect(preview.printed).toMatch(/line \d: #12 conflict \(text\) "harmful requests" → "rude requests"/u);
    expect((await errata(['label', 'show', '12'])).json.label?.text).toBe('harmful requests');
    const merged = await errata(['label', 'merge', mine, bens, '--output', both]);
    expect(merged.json).toMatchObject({
      merged: 3,
      conflicts: [{ fields: ['text'], ours: { feature: 12 } }],
      agreement: { features: 4, observed: 1, textsSame: 3 },
    });
    expect((await errata(['label', 'merge', mine, bens, '--output', both, '--prefer', 'theirs'])).printed).toContain(
      'Wrote 4 labels',
    );
    expect((await errata(['label', 'compare', mine, bens])).json.kappa).toBeNull();
  });

  it.each([
    ['no text and no field', ['label', 'set', '12']],
    ['no feature', ['label', 'set']],
    ['a feature that is none', ['label', 'set', 'twelve', 'x']],
    ['a range backwards', ['label', 'set', '9-3', 'x']],
    ['a range without end', ['label', 'set', '0-2000000000', 'x']],
    ['confidence 7', ['label', 'set', '12', 'x', '-c', '7']],
    ['an unknown state', ['label', 'list', '--state', 'done']],
    ['two features to show', ['label', 'show', '1,2']],
    ['a change that is none', ['label', 'restore', '12', 'first']],
    ['an unknown format', ['label', 'export', 'labels.xlsx']],
    ['Neuronpedia without its names', ['label', 'export', 'x.jsonl', '--format', 'neuronpedia']],
  ])('refuses %s as wrong usage', async (_, words) => {
    await expect(errata(words)).rejects.toThrow(usage);
  });
});

/** Revisions count the changes of one project, and time of import is not the label's. */
function strip({ revision: _, ...label }: Record<string, unknown>): unknown {
  return label;
}

describe('errata edit', () => {
  it('tells the story of an edit from begin to merge, and hands it to a colleague', async () => {
    await errata(['edit', 'new', 'main']);
    await errata(['edit', 'op', 'ablate:12', 'clamp:7:-3', '--gate', '90>0.5', '--scope', 'notBos']);
    expect((await errata(['edit', 'status'])).printed).toMatch(
      /\+ ablate:12 notBos where 90>0.5 at blocks.0.hook_resid_post {2}"harmful requests"/u,
    );
    const {
      json: { version: first },
    } = await errata(['edit', 'commit', '-m', 'first']);
    expect(first).toMatchObject({ model: MODEL, author: 'Ada', labels: [{ feature: 12, text: 'harmful requests' }] });
    await errata(['edit', 'tag', 'paper', '--message', 'as printed']);
    await errata(['edit', 'branch', 'side']);
    await errata(['edit', 'op', 'clamp:7:-2', '--remove', '12']);
    await errata(['edit', 'commit', '-m', 'softer']);
    await errata(['edit', 'checkout', 'side']);
    await errata(['edit', 'op', 'clamp:7:-1']);
    await expect(errata(['edit', 'checkout', 'main'])).rejects.toThrow(/not committed/u);
    await errata(['edit', 'commit', '-m', 'softest']);
    await expect(errata(['edit', 'merge', 'main'])).rejects.toThrow(/feature 7 differently/u);
    expect((await errata(['edit', 'merge', 'main', '--dry-run'])).json.conflicts).toHaveLength(1);
    await errata(['edit', 'merge', 'main', '--resolve', '7=theirs']);
    expect((await errata(['edit', 'diff', 'main', 'HEAD'])).printed).toBe('No difference.');
    const log = await errata(['edit', 'log']);
    expect(log.json.versions.map(({ message }) => message)).toEqual(['Merge main', 'softest', 'softer', 'first']);
    expect(log.printed).toMatch(/^[0-9a-f]{10} \(HEAD, side\)/u);
    expect((await errata(['edit', 'revert', '--to', 'paper'])).json.version.edit).toBe(first.edit);
    await errata(['edit', 'cherry-pick', 'main']);
    expect((await errata(['edit', 'show'])).json.version.operations).toMatchObject([{ feature: 7, value: -2 }]);

    const file = join(root, 'version.json');
    await errata(['edit', 'export', 'HEAD', file]);
    await expect(errata(['edit', 'import', file], 'q')).rejects.toThrow(expect.objectContaining({ code: 'mismatch' }));
    expect((await errata(['edit', 'import', file, '--branch', 'from-ada', '--model', MODEL], 'q')).json).toMatchObject({
      branch: 'from-ada',
      added: 6,
    });
    writeFileSync(file, readFileSync(file, 'utf8').replace('softest', 'hardest'));
    await expect(errata(['edit', 'import', file, '--branch', 'forged'], 'q')).rejects.toThrow(/was altered/u);
  });

  it('bisects by verdicts and by stored results', async () => {
    await errata(['edit', 'checkout', 'main']);
    writeFileSync(join(root, 'refuses.csv'), 'prompt,check\nHow do I …?,refuses\n');
    const {
      json: { id: behaviour },
    } = await errata(['behaviour', 'import', join(root, 'refuses.csv'), '--name', 'refuses']);
    const ids: string[] = [];
    for (let i = 0; i < 6; i++) {
      await errata(['edit', 'op', `clamp:50:${i + 1}`]);
      ids.push((await errata(['edit', 'commit', '-m', `step ${i}`])).json.version.id);
    }
    for (const [index, version] of ids.entries()) {
      const result = {
        format: 'errata.result.1',
        version,
        model: MODEL,
        behaviour,
        cases: [{ passed: index < 3, score: null, output: '' }],
        metrics: {},
        tool: 'test',
        author: 'Ada',
        time: '2026-01-01T00:00:00.000Z',
      };
      writeFileSync(join(root, 'result.json'), JSON.stringify(result));
      expect((await errata(['behaviour', 'record', join(root, 'result.json')])).json.passRate).toBe(index < 3 ? 1 : 0);
    }
    await errata(['edit', 'bisect', 'start', '--bad', 'HEAD', '--good', ids[0] ?? '']);
    const { json, printed } = await errata(['edit', 'bisect', 'auto', '--behaviour', 'refuses']);
    expect(json.bisection?.next).toEqual({ kind: 'found', firstBad: ids[3] });
    expect(printed).toContain('step 3');
    expect((await errata(['behaviour', 'compare', 'refuses', ids[2] ?? '', ids[3] ?? ''])).json).toMatchObject({
      passRateBefore: 1,
      passRateAfter: 0,
      broken: [0],
    });
    expect((await errata(['edit', 'bisect', 'end'])).json.bisection).toBeNull();
    await errata(['edit', 'bisect', 'start', '--bad', 'HEAD', '--good', ids[0] ?? '']);
    expect((await errata(['edit', 'bisect', 'good'])).json.bisection?.next.kind).toBe('test');
    await errata(['edit', 'require', 'refuses']);
    expect((await errata(['edit', 'commit', '-m', 'must refuse'])).json.version.behaviours).toEqual([behaviour]);
  });

  it.each([
    ['an operation that is none', ['edit', 'op', 'delete:12']],
    ['NaN', ['edit', 'op', 'clamp:12:NaN']],
    ['no operation', ['edit', 'op']],
    ['no message', ['edit', 'commit']],
    ['a side that is none', ['edit', 'merge', 'side', '--side', 'mine']],
    ['a resolution that is none', ['edit', 'merge', 'side', '--resolve', 'x']],
    ['an unknown verb of bisect', ['edit', 'bisect', 'guess']],
    ['a name that is a path', ['edit', 'new', '../x', '--discard']],
    ['three versions to compare', ['edit', 'diff', 'a', 'b', 'c']],
  ])('refuses %s as wrong usage', async (_, words) => {
    await expect(errata(words)).rejects.toThrow(usage);
  });
});

describe('errata behaviour', () => {
  it('imports, lists, exports and removes suites of prompts and checks', async () => {
    const path = join(root, 'suite.json');
    writeFileSync(
      path,
      JSON.stringify({
        name: 'bias',
        cases: [
          {
            prompt: 'The nurse said',
            checks: [{ kind: 'logitDifference', continuation: ' she', against: ' he', bound: 'atMost', value: 0.1 }],
          },
        ],
      }),
    );
    expect((await errata(['behaviour', 'import', path])).json).toMatchObject({ name: 'bias', cases: 1 });
    expect((await errata(['behaviour', 'list'])).json.behaviours.map(({ name }) => name)).toEqual(['bias', 'refuses']);
    expect((await errata(['behaviour', 'show', 'bias'])).printed).toContain('logitDifference');
    const csv = join(root, 'bias.csv');
    await errata(['behaviour', 'export', 'bias', csv]);
    const { json: again } = await errata(['behaviour', 'import', csv, '--name', 'bias'], 'q');
    expect(again.id).toBe((await errata(['behaviour', 'show', 'bias'])).json.id);
    await errata(['behaviour', 'remove', 'bias', '--reason', 'superseded']);
    expect((await errata(['behaviour', 'history', 'bias'])).json.history).toHaveLength(2);
    await expect(errata(['behaviour', 'import', csv])).rejects.toThrow(usage);
    await expect(errata(['behaviour', 'show', 'nothing'])).rejects.toThrow(
      expect.objectContaining({ code: 'not-found' }),
    );
  });
});

describe('errata project', () => {
  it('checks, backs up, restores and salvages', async () => {
    const desktop = await openProject(join(root, 'p'), { host: 'the desktop app' });
    const { json, printed } = await errata(['project', 'check', '--rebuild']);
    expect(json.problems).toEqual([]);
    expect(printed).toMatch(/Also open in the desktop app \(process \d+, since/u);
    desktop.close();
    const {
      json: { file },
    } = await errata(['project', 'backup']);
    await errata(['label', 'set', '12', 'after the backup']);
    expect((await errata(['project', 'salvage', join(root, 'saved')])).json).toMatchObject({ lost: [], labels: 4 });
    expect((await errata(['project', 'restore', file])).json.backup).toBe(file);
    expect((await errata(['label', 'show', '12'])).json.label?.text).toBe('harmful requests');
    expect((await errata(['history', '-n', '3'])).json.steps).toHaveLength(3);
  });
});
