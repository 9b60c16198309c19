// A project that was made elsewhere opens whole: nothing in it depends on where it lay. And so do links into it.
import type { Api } from '../../main/contract/api/contract.ts';
import { hostApi } from './hostApi.ts';
import { DICTIONARY, SITE } from './preparedProject.ts';
import { expect, goTo, test } from './test.ts';

test('a copied project has its model, dictionary and features', async ({ page, host }) => {
  await goTo(page, host, 'models');
  await page.getByRole('main').getByRole('link', { name: 'sample' }).click();
  await page.getByLabel('Prompt').fill('What is the capital of France?');
  await page.getByRole('button', { name: 'Generate' }).click();
  await expect(page.locator('.written')).toContainText('Paris');
  await goTo(page, host, 'features');
  await expect(page.getByText(/labelled of 1.024/u)).toBeVisible();
});

test('a link leads to its place in a new window; one that leads nowhere leads to the project, and back is back', async ({
  page,
  host,
}) => {
  const other = await page.context().newPage();
  await other.goto(`${host.origin}/#/exports`);
  await expect(other.getByRole('heading', { name: 'No export yet' })).toBeVisible();
  await other.goto(`${host.origin}/#/nowhere/at/all`);
  await expect(other.getByRole('heading', { name: 'From model to patched model' })).toBeVisible();
  await expect(other).toHaveURL(/#\/project$/u);
  await other.goBack();
  await expect(other.getByRole('heading', { name: 'No export yet' })).toBeVisible();
  await other.close();
});

/** A view, a command that somebody else does meanwhile, and the text that the view shows then. */
const CHANGES: readonly (readonly [
  view: string,
  command: string,
  act: (api: Api) => Promise<unknown>,
  text: string,
])[] = [
  [
    'project',
    'label.set',
    async (api) => api.label.set({ ...(await feature(api)), patch: { text: 'a word' } }),
    'Label feature 7',
  ],
  [
    `features/${DICTIONARY}/7`,
    'list.add',
    async (api) => api.list.add({ name: 'listed elsewhere', features: [await feature(api)], makes: true }),
    'listed elsewhere',
  ],
  [
    'behaviours',
    'behaviour.save',
    async (api) => {
      const [first] = await api.behaviour.list();
      const { behaviour } = await api.behaviour.show({ ref: first!.name });
      return api.behaviour.save({ behaviour: { ...behaviour, name: 'saved elsewhere' } });
    },
    'saved elsewhere',
  ],
  [
    'edits',
    'edit.commit',
    async (api) => {
      const [model] = await api.model.list();
      await api.edit.begin({ branch: 'elsewhere', model: model!.hash, discard: true });
      const place = { ...(await feature(api)), site: SITE, scope: { positions: 'all' }, gates: [] } as const;
      await api.edit.setOperation({ operation: { kind: 'ablate', ...place } });
      return api.edit.commit({ message: 'committed elsewhere' });
    },
    'committed elsewhere',
  ],
];

async function feature(api: Api) {
  const { dictionary } = await api.dictionary.describe({ name: DICTIONARY });
  return { dictionary: dictionary.quality!.hash, feature: 7 };
}

for (const [view, command, act, text] of CHANGES) {
  test(`the view ${view.replace(/\/.*/u, '')} shows what ${command} of another client changed`, async ({
    page,
    host,
  }) => {
    await goTo(page, host, view);
    const shown = page.getByRole('main').getByText(text).filter({ visible: true }).first();
    await expect(page.getByRole('main').locator('[aria-busy=true]')).toHaveCount(0);
    await expect(shown).toBeHidden();
    await act(hostApi(page));
    await expect(shown).toBeVisible();
  });
}
