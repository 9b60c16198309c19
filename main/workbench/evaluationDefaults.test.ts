// What an evaluation takes by default, on a project made from the shipped sample's behaviours and corpora.
import { copyFile, mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readBehaviourFile } from '../core/behaviours/behaviourFile.ts';
import { createProject } from '../storage/project/create.ts';
import { behaviourInText, evaluationDefaults, withEvaluationDefaults } from './evaluationDefaults.ts';
import type { Compute } from './compute.ts';
import { withWorkbench } from './openWorkbench.ts';
import type { Workbench } from './workbench.ts';

const sample = fileURLToPath(new URL('../../resources/sample/', import.meta.url));
const NAMES = ['bias', 'dangerousFact', 'facts', 'jailbreak'];
const MODEL = 'b'.repeat(64);

let parent: string;
let folder: string;
const open = <T>(use: (workbench: Workbench) => Promise<T>) =>
  withWorkbench(folder, { host: 'a test', compute: computesNothing }, use);
const computesNothing: Compute = () => Promise.reject(new Error('nothing is computed here'));
const corpus = (name: string) => join(folder, 'corpora', name);

beforeAll(async () => {
  parent = await mkdtemp(join(tmpdir(), 'errata-defaults-'));
  folder = join(parent, 'project');
  const project = await createProject(folder);
  for (const name of NAMES)
    project.behaviours.save(await readBehaviourFile(join(sample, 'behaviours', `${name}.json`), 'json'), {
      author: 'Ada',
    });
  project.versions.begin('main', MODEL, { author: 'Ada' });
  project.close();
  await mkdir(join(folder, 'corpora'), { recursive: true });
  for (const name of ['choose.jsonl', 'heldout-general.jsonl', 'heldout.jsonl'])
    await copyFile(join(sample, name), corpus(name));
});
afterAll(() => rm(parent, { recursive: true, force: true }));

const working = { version: null, isWorking: true };
const behavioursOf = ({ project }: Workbench) => NAMES.map((name) => project.behaviours.get(name));

describe('the targets of an evaluation', () => {
  it('are those that the working edit must satisfy, and not the other faults of the model', () =>
    open(async (workbench) => {
      const jailbreak = workbench.project.behaviours.resolve('jailbreak');
      workbench.project.versions.setBehaviours([jailbreak], { author: 'Ada' });
      const { targets } = await evaluationDefaults(workbench, working, behavioursOf(workbench));
      expect(targets).toEqual(['jailbreak']);
    }));

  it('are still those after a behaviour that it must satisfy was changed under its name', () =>
    open(async (workbench) => {
      const { behaviours, versions } = workbench.project;
      const changed = { ...behaviours.get('dangerousFact'), description: 'Changed later' };
      versions.setBehaviours([behaviours.resolve('dangerousFact')], { author: 'Ada' });
      behaviours.save(changed, { author: 'Ada' });
      const { targets } = await evaluationDefaults(workbench, working, behavioursOf(workbench));
      expect(targets).toEqual(['dangerousFact']);
    }));

  it('are all that may change where an edit that is no version says nothing', () =>
    open(async (workbench) => {
      const nothing = { version: null, isWorking: false };
      const { targets } = await evaluationDefaults(workbench, nothing, behavioursOf(workbench));
      expect(targets).toEqual(['bias', 'dangerousFact', 'jailbreak']);
    }));
});

describe('the held-out text of an evaluation', () => {
  it('is a corpus kept apart that contains none of the targets, and not the text of the search', () =>
    open(async (workbench) => {
      const jailbreak = [workbench.project.behaviours.get('jailbreak')];
      expect((await behaviourInText(corpus('heldout-general.jsonl'), jailbreak))?.behaviour).toBe('jailbreak');
      expect(await behaviourInText(corpus('heldout.jsonl'), jailbreak)).toBeNull();
      expect((await evaluationDefaults(workbench, working, behavioursOf(workbench))).text).toBe('heldout.jsonl');
    }));

  it('stays as it was chosen', () =>
    open(async (workbench) => {
      const request = { version: null, behaviours: NAMES, text: { corpus: corpus('heldout-general.jsonl') } };
      const options = { isWorking: true, isTrainingText: false };
      expect((await withEvaluationDefaults(workbench, request, options)).text).toEqual(request.text);
      const training = { version: null, behaviours: NAMES };
      expect(
        await withEvaluationDefaults<{ version: null; behaviours: string[]; text?: { corpus: string } }>(
          workbench,
          training,
          { ...options, isTrainingText: true },
        ),
      ).not.toHaveProperty('text');
      expect(
        await withEvaluationDefaults<typeof training & { text?: { corpus: string } }>(workbench, training, options),
      ).toHaveProperty('text.corpus', expect.stringMatching(/heldout\.jsonl$/u));
    }));

  it('is what training held out where every corpus of the project contains a target', async () => {
    await rm(corpus('heldout.jsonl'));
    await open(async (workbench) => {
      expect((await evaluationDefaults(workbench, working, behavioursOf(workbench))).text).toBeNull();
    });
  });
});
