// The main job on the sample model, with the commands a person would type: a model in, a dictionary, an edit, a verified
// patched model out. `npm run walkthrough [FOLDER]`; the project stays in FOLDER (by default a new temporary one).
import { spawnSync } from 'node:child_process';
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';

const root = join(import.meta.dirname, '..');
const sample = join(root, 'resources/sample');
const project = resolve(process.argv[2] ?? join(mkdtempSync(join(tmpdir(), 'errata-walkthrough-')), 'project'));
const SITE = 'blocks.1.hook_resid_post';
const PROMPT = 'User: What is the capital of France?\nAssistant:';

function quoted(word: string): string {
  return /^[\w./:=-]+$/.test(word) ? word : JSON.stringify(word);
}

/** Runs one command as a person would see it; the walk ends where a command fails. */
function errata(...words: string[]): void {
  console.log(`\n$ errata ${words.map(quoted).join(' ')}`);
  const { status, signal } = spawnSync(process.execPath, [join(root, 'out/main/cli.js'), ...words], {
    cwd: words[0] === 'project' ? root : project,
    stdio: 'inherit',
  });
  if (status === 0) return;
  console.error(`The walk ends here: the command ended with ${signal ?? String(status)}.`);
  process.exit(1);
}

errata('project', 'new', project);
errata('model', 'add', join(sample, 'model'), '--name', 'sample');
errata('generate', 'sample', '--prompt', PROMPT, '--max-new-tokens', '16');
errata(
  'capture',
  'sample',
  '--corpus',
  join(sample, 'corpus.jsonl'),
  '--site',
  SITE,
  '--context-length',
  '128',
  '--max-contexts',
  '2000',
);
errata('train', 'first', '--activations', `sample.${SITE}`, '--features', '1024', '--k', '16', '--steps', '600');
errata('feature', 'top', 'first', '--text', PROMPT, '--count', '5');
errata(
  'export',
  'patched',
  '--dictionary',
  'first',
  '--op',
  'ablate:0',
  '--op',
  'scale:1:0.5',
  '--corpus',
  join(sample, 'heldout.jsonl'),
);
errata('verify', join(project, 'exports/patched'));
console.log(
  `\nEverything is in ${project}: the dictionary in dictionaries/first, the patched model in exports/patched.`,
);
