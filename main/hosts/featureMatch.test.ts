// Features of the sample's dictionary in a small one of another site, and labels carried over: window and command line alike.
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { errata } from '../testing/hosts/commandLine.ts';
import { SITE, startFaces, type FacesProject } from '../testing/hosts/facesProject.ts';

vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 });

let faces: FacesProject;
/** Content hashes of `shipped` and of `run`. */
let hashes: { readonly shipped: string; readonly run: string };
/** A labelled feature of the shipped dictionary. */
let labelled: { readonly feature: number; readonly text: string };
beforeAll(async () => {
  faces = await startFaces();
  const hashOf = async (name: string) => (await faces.api.dictionary.describe({ name })).dictionary.hash ?? '';
  hashes = { shipped: await hashOf('shipped'), run: await hashOf('run') };
  labelled = (await faces.api.label.list({ dictionary: hashes.shipped, states: ['labelled'], limit: 1 }))[0]!;
});
afterAll(() => faces.stop());

const carry = { dictionary: 'shipped', other: 'run', minCosine: 0 } as const;
const labelsOfRun = () => faces.api.label.list({ dictionary: hashes.run });

it('finds the features that are most like one, the same in a window as on the command line', async () => {
  const asked = { dictionary: 'shipped', feature: labelled.feature, other: 'run', count: 5 };
  const found = await faces.api.feature.matches(asked);
  expect(found).toMatchObject({ hash: hashes.run, site: SITE });
  expect(found.matches).toHaveLength(5);
  const cosines = found.matches.map(({ cosine }) => cosine!);
  expect(cosines).toEqual(cosines.toSorted((a, b) => b - a));
  expect(found.matches.every(({ shared }) => shared !== null && shared >= 0 && shared <= 1.0001)).toBe(true);
  const words = ['feature', 'match', 'shipped', String(labelled.feature), '--other', 'run', '--count', '5'];
  const { result, printed } = await errata(faces.project, words);
  expect(result['matches']).toEqual(found.matches);
  expect(printed.join('\n')).toContain(`#${found.matches[0]!.feature}  cosine `);
});

it('proposes a label for each near feature and writes none of them', async () => {
  const { labelled: total, proposals } = await faces.api.feature.carry(carry);
  expect(proposals.length).toBeGreaterThan(5);
  expect(proposals.length).toBeLessThanOrEqual(total);
  const near = await faces.api.feature.carry({ ...carry, minCosine: proposals[2]!.to.cosine! });
  expect(near.proposals).toEqual(proposals.slice(0, 3));
  expect(near.proposals.every(({ to }) => to.shared === null)).toBe(true);
  expect(await labelsOfRun()).toEqual([]);
  await errata(faces.project, ['label', 'carry', 'shipped', '--other', 'run', '--min-cosine', '0']);
  expect(await labelsOfRun()).toEqual([]);
});

it('compares the examples, too, where that is asked for', async () => {
  const { proposals } = await faces.api.feature.carry({ ...carry, minCosine: 0.3 });
  const { proposals: alike } = await faces.api.feature.carry({ ...carry, minCosine: 0.3, minShared: 0.5 });
  expect(alike.every(({ to }) => to.shared! >= 0.5)).toBe(true);
  expect(alike.length).toBeGreaterThan(0);
  expect(alike.length).toBeLessThan(proposals.length);
});

it('writes what is accepted, and leaves a label that is there as it is', async () => {
  const { proposals } = await faces.api.feature.carry(carry);
  const [first, second] = proposals;
  const other = proposals.find(({ to }) => to.feature !== first!.to.feature) ?? second;
  await faces.api.label.set({ dictionary: hashes.run, feature: first!.to.feature, patch: { text: 'my own' } });
  const only = [first!, other!].map(({ feature }) => feature).join(',');
  const { result, printed } = await errata(faces.project, [
    ...['label', 'carry', 'shipped', '--other', 'run', '--min-cosine', '0', '--only', only],
  ]);
  expect(result['written']).toBe(1);
  expect(printed.at(-1)).toBe('1 labels written to run; 1 of these features keep their own.');
  const labels = new Map((await labelsOfRun()).map(({ feature, text: label }) => [feature, label]));
  expect(labels.get(first!.to.feature)).toBe('my own');
  expect(labels.get(other!.to.feature)).toBe(other!.label);
  const again = await faces.api.feature.carry(carry);
  const kept = again.proposals.find(({ feature }) => feature === other!.feature);
  expect(kept?.to).toMatchObject({ label: other!.label, state: 'labelled' });
});

it.each([
  ['a dictionary that is not there', ['feature', 'match', 'shipped', '1', '--other', 'nothing'], /nothing/],
  [
    'the same dictionary',
    ['feature', 'match', 'shipped', '1', '--other', 'shipped'],
    /another dictionary than shipped/,
  ],
  ['a feature that is not there', ['feature', 'match', 'run', '64', '--other', 'shipped'], /features 0 to 63/],
  [
    'a label that is not proposed',
    ['label', 'carry', 'shipped', '--other', 'run', '--only', '4095'],
    /Nothing was written/,
  ],
])('refuses %s', async (_, words, message) => {
  await expect(errata(faces.project, words)).rejects.toThrow(message);
});
