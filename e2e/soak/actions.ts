// What a person does in the window, over and over: one turn goes to every view, uses the palette, labels, changes the edit,
// asks for texts, runs a job, looks at the project from a second window, and undoes.
import type { BrowserContext, Page } from '@playwright/test';
import type { Api } from '../../main/contract/api/contract.ts';
import { VIEWS } from '../../main/contract/api/views.ts';
import { BEGUN_JOBS } from '../../main/testing/hosts/begunJobs.ts';

export interface Soaked {
  readonly page: Page;
  readonly context: BrowserContext;
  readonly origin: string;
  readonly api: Api;
  readonly number: number;
}

/** Jobs that leave the project as large as it was. */
const JOBS = ['evaluate', 'statistics', 'verify'] as const;
/** As many labels and rows as a project has; then they are written again. */
const FEATURES = 64;

export async function turn({ page, context, origin, api, number }: Soaked): Promise<void> {
  for (const { name } of VIEWS) {
    await page.goto(`${origin}/#/${name}`);
    await page.getByRole('main').getByRole('heading').first().waitFor();
  }
  await page.keyboard.press('Control+k');
  await page.keyboard.type('models');
  await page.keyboard.press('Escape');
  const { dictionary } = await api.dictionary.describe({ name: 'run' });
  const hash = dictionary.quality?.hash ?? '';
  const feature = number % FEATURES;
  await page.goto(`${origin}/#/features/run/${feature}`);
  await page.getByRole('main').getByRole('heading').first().waitFor();
  await api.label.set({ dictionary: hash, feature, patch: { text: `label ${number % 7}`, tags: ['soak'] } });
  await api.label.search({ query: 'label' });
  const { operations = [] } = (await api.edit.status())?.working ?? {};
  await page.goto(`${origin}/#/editor`);
  const asked = { model: dictionary.model.hash, prompt: 'Once upon a time', raw: true, operations: [...operations] };
  await api.playground.nextTokens({ ...asked, continuation: [], count: 5 });
  await api.playground.generate({ ...asked, maxNewTokens: 8 });
  await api.history.undo({});
  const kind = JOBS[number % JOBS.length] ?? JOBS[0];
  const job = kind === 'verify' ? null : await BEGUN_JOBS[kind]?.call(api, 'made');
  while (job && ['queued', 'running'].includes((await api.job.get({ id: job.id })).state))
    await new Promise((resolve) => setTimeout(resolve, 100));
  if (number % 5 === 0) {
    const other = await context.newPage();
    await other.goto(`${origin}/#/project`);
    await other.getByRole('main').getByRole('heading').first().waitFor();
    await other.close();
    await Promise.all([api.project.check(), api.project.check(), api.project.backup()]);
  }
}
