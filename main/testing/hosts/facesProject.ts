// A project with something of everything, open in a window and at hand for commands: the sample with a store, a small
// dictionary, two behaviours and a branch of three versions. Every repository lab/… is at a Hub of its own on this machine.
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { startHubServer } from '../hub/hubServer.ts';
import { startHost, type StartedHost } from './startHost.ts';

export const SITE = 'blocks.2.hook_resid_post';
export const TRAINING = { architecture: 'topk', size: 64, k: 4, batchSize: 64, steps: 20 } as const;
export const PROMPTS = {
  with: ['The nurse said that', 'The colour of snow is', 'The doctor said that', 'The young of a cow is'],
  without: ['Once upon a time', 'Tell me', 'There was a', 'We went to the'],
};
export const CAPTURE = {
  model: 'sample',
  corpus: { from: 'project', name: 'corpus.jsonl' },
  sites: [SITE],
  name: 'store',
  contextLength: 32,
  maxContexts: 40,
} as const;

const SERVED = { commit: 'e'.repeat(40), files: { 'config.json': '{"model_type":"gpt2"}' } };

export interface FacesProject extends StartedHost {
  /** Its folder. */
  readonly project: string;
  /** The file with the prompts of one side. */
  readonly prompts: (side: 'with' | 'without') => string;
}

/** The store is `store`, the dictionary `run`, the behaviours `tiny` and `other`, the branch `chain`. */
export async function startFaces(): Promise<FacesProject> {
  const started = await startHost();
  const hub = await startHubServer((name) => (name.startsWith('lab/') ? SERVED : undefined));
  const before = { HF_ENDPOINT: process.env['HF_ENDPOINT'], HF_HOME: process.env['HF_HOME'] };
  setEnvironment({ HF_ENDPOINT: hub.endpoint, HF_HOME: join(started.folder, 'hf') }); // before the engine starts
  const { api, until } = started;
  const project = (await api.project.openSample()).folder;
  const prompts = (side: 'with' | 'without') => join(project, `${side}.txt`);
  for (const side of ['with', 'without'] as const) await writeFile(prompts(side), `${PROMPTS[side].join('\n')}\n`);
  await until((await api.activations.capture(CAPTURE)).id, 'succeeded');
  await until((await api.dictionary.train({ name: 'run', activations: 'store', ...TRAINING })).id, 'succeeded');
  for (const name of ['tiny', 'other']) await api.behaviour.save({ behaviour: behaviour(name) });
  const { dictionary } = await api.dictionary.describe({ name: 'run' });
  await api.edit.begin({ branch: 'chain', model: dictionary.model.hash, discard: true });
  for (const feature of [1, 2, 3]) {
    const place = {
      dictionary: dictionary.quality?.hash ?? '',
      site: SITE,
      scope: { positions: 'all' },
      gates: [],
    } as const;
    await api.edit.setOperations({ operations: [{ kind: 'ablate', feature, ...place }] });
    await api.edit.commit({ message: `Ablate ${feature}` });
  }
  const stop = async () => {
    await started.stop();
    await hub.stop();
    setEnvironment(before);
  };
  return { ...started, project, prompts, stop };
}

function setEnvironment(values: Readonly<Record<string, string | undefined>>): void {
  for (const [name, value] of Object.entries(values)) {
    if (value === undefined) delete process.env[name];
    else process.env[name] = value;
  }
}

function behaviour(name: string) {
  const text = { system: '', raw: true, note: '', isHeldOut: false, tags: {} };
  const checks = [{ kind: 'contains', text: name, ignoreCase: true, expected: false }] as const;
  return {
    format: 'errata.behaviour.1',
    name,
    description: '',
    aim: 'lower',
    maxNewTokens: 2,
    cases: PROMPTS.with.map((prompt, index) => ({
      ...{ ...text, role: 'target' as const, prompt, checks: [...checks] },
      split: index % 2 === 0 ? ('report' as const) : ('choose' as const),
    })),
  } as const;
}
