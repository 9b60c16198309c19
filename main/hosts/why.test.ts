// errata why on the sample's model and a small dictionary: what is told, what is written, and what is refused in words.
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { errata } from '../testing/hosts/commandLine.ts';
import { SITE, startFaces, type FacesProject } from '../testing/hosts/facesProject.ts';

vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 });

const TEXT = 'The nurse said that';

let faces: FacesProject;
beforeAll(async () => {
  faces = await startFaces();
});
afterAll(() => faces.stop());

const ask = (more: object = {}) => faces.api.model.why({ model: 'sample', text: TEXT, dictionaries: ['run'], ...more });

it('tells every effect, the largest first and measured by ablation, with the labels of the features', async () => {
  const before = await ask();
  const [top] = before.effects;
  const { dictionary } = await faces.api.dictionary.describe({ name: 'run' });
  const hash = dictionary.quality?.hash ?? '';
  await faces.api.label.set({ dictionary: hash, feature: top!.feature, patch: { text: 'the top one' } });
  const { effects, sites, tokens, token } = await ask({ count: 1000 });
  expect(sites).toHaveLength(1);
  expect(sites[0]).toMatchObject({ site: SITE, dictionary: 'run' });
  expect(effects[0]).toMatchObject({ feature: top!.feature, label: 'the top one' });
  expect(effects).toHaveLength(sites[0]!.active);
  expect(effects.reduce((sum, { effect }) => sum + effect, 0)).toBeCloseTo(sites[0]!.sum, 4);
  const sizes = effects.map(({ effect }) => Math.abs(effect));
  expect(sizes).toEqual(sizes.toSorted((a, b) => b - a));
  expect(effects.map(({ measured }) => measured !== null)).toEqual(effects.map((_, index) => index < 5));
  for (const { measured, position } of effects) {
    expect(measured).not.toBe(0);
    expect(position).toBeLessThan(tokens.length);
  }
  const { next } = await faces.api.model.nextTokens({ model: 'sample', prompt: TEXT, count: 1 });
  expect(token).toEqual({ id: next[0]!.id, text: next[0]!.text });
});

it('explains a token of the text from those before it, and against itself finds no difference', async () => {
  const { promptTokens } = await faces.api.model.nextTokens({ model: 'sample', prompt: TEXT, count: 1 });
  const last = promptTokens.length - 1;
  const { tokens, token, value } = await ask({ token: last });
  expect(token).toEqual(promptTokens[last]);
  expect(tokens).toEqual(promptTokens.slice(0, last).map(({ text }) => text));
  const same = await ask({ token: last, against: token.text });
  expect(value).not.toBe(0);
  expect([same.value, ...same.effects.map(({ effect }) => effect)].every((each) => Math.abs(each) < 1e-6)).toBe(true);
});

it('explains the same from the tokens as from their text', async () => {
  const { promptTokens } = await faces.api.model.nextTokens({ model: 'sample', prompt: TEXT, count: 1 });
  expect(await ask({ text: promptTokens.map(({ id }) => id) })).toEqual(await ask());
});

it('says at each token what the rows say together', async () => {
  const { effects, sites, tokens } = await ask({ count: 1000 });
  const [site] = sites;
  const summed = tokens.map((_, at) =>
    effects.filter(({ position }) => position === at).reduce((sum, { effect }) => sum + effect, 0),
  );
  expect(site!.byPosition).toHaveLength(tokens.length);
  for (const [at, sum] of summed.entries()) expect(site!.byPosition[at]).toBeCloseTo(sum, 4);
  expect(site!.errorByPosition.reduce((sum, each) => sum + each, 0)).toBeCloseTo(site!.error, 4);
});

it('ablates a feature at the position that is asked for, and at all of them', async () => {
  const { effects, value } = await ask();
  const [top] = effects;
  const of = { dictionary: 'run', feature: top!.feature };
  const { ablated } = await ask({ ablate: [{ ...of, position: top!.position }, of] });
  expect(ablated[0]).toMatchObject({ ...of, position: top!.position, site: SITE });
  expect(ablated[0]!.measured).toBeCloseTo(top!.measured!, 5);
  // At all positions it is what an edit that ablates the feature changes.
  const { dictionary } = await faces.api.dictionary.describe({ name: 'run' });
  const operation = { kind: 'ablate', site: SITE, dictionary: dictionary.quality?.hash ?? '', feature: top!.feature };
  const token = (await ask()).token.id;
  const edited = await ask({ target: token, operations: [{ ...operation, scope: { positions: 'all' }, gates: [] }] });
  expect(value - edited.value).toBeCloseTo(ablated[1]!.measured, 4);
  expect(edited.effects.some(({ feature }) => feature === top!.feature)).toBe(false);
});

it('explains a token that the model does not say', async () => {
  const he = await ask({ target: ' he' });
  expect(he.token.text).toBe(' he');
  const both = await ask({ target: ' he', against: (await ask()).token.id });
  expect(both.value).toBeCloseTo(he.value - (await ask()).value, 4);
});

it('writes what it shows as CSV', async () => {
  const path = join(faces.project, 'why.csv');
  const { result } = await errata(faces.project, ['why', 'sample', '--text', TEXT, '-d', 'run', '--csv', path]);
  const effects = result['effects'] as Awaited<ReturnType<typeof ask>>['effects'];
  const [head, ...rows] = (await readFile(path, 'utf8')).trimEnd().split('\n');
  expect(head).toBe('site,dictionary,feature,position,token,activation,effect,measured,label');
  expect(rows).toHaveLength(effects.length);
  expect(rows[0]).toContain(String(effects[0]!.effect));
});

it.each([
  ['a text longer than the context', ['--text', `${TEXT} `.repeat(400)], /longest context/],
  ['a token behind the text', ['--text', TEXT, '--token', '99'], /Token 99 cannot be explained/],
  ['a token with nothing before it', ['--text', TEXT, '--token', '0'], /Token 0 cannot be explained/],
  ['a comparison with several tokens', ['--text', TEXT, '--against', ' he said so'], /is not one token of this model/],
  ['a token that no text of one token spells', ['--text', TEXT, '--target', ' he said so'], /is not one token/],
  ['a feature that the dictionary lacks', ['--text', TEXT, '-d', 'run', '--ablate', '99999'], /has the features 0 to/],
  ['a position behind the text', ['--text', TEXT, '-d', 'run', '--ablate', '1@99'], /Position 99 is outside/],
  ['a feature that is not a number', ['--text', TEXT, '-d', 'run', '--ablate', 'x'], /FEATURE@POSITION/],
  ['a feature of no dictionary', ['--text', TEXT, '--ablate', '1'], /needs --dictionary/],
  ['an estimator that is not there', ['--text', TEXT, '--estimator', 'guess'], /estimator/],
  ['a dictionary that is not there', ['--text', TEXT, '--dictionary', 'nothing'], /nothing/],
])('refuses %s', async (_, words, message) => {
  await expect(errata(faces.project, ['why', 'sample', ...words])).rejects.toThrow(message);
});
