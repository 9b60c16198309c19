import { beforeAll, describe, expect, it } from 'vitest';
import { openStatistics } from '../features/statisticsReader.ts';
import { prepareStatistics, tinyStatistics } from '../../testing/features/tinyStatistics.ts';
import { temporaryFolder } from '../../testing/models/temporaryFolder.ts';
import { readForecastStatistics } from './forecastStatistics.ts';

let folder: string;
let hash: string;
beforeAll(async () => {
  const place = await temporaryFolder();
  await prepareStatistics(place, 4000);
  ({ folder } = await tinyStatistics(place));
  const reader = await openStatistics(folder);
  hash = reader.manifest.plan.dictionary;
  await reader.close();
});

describe('the statistics of a forecast', () => {
  it('are those of the features, of all for firings and of the edited ones for what fires together', async () => {
    const reader = await openStatistics(folder);
    const { firings, mean } = await reader.columns();
    const page = await reader.page(5);
    const read = await readForecastStatistics(folder, hash, [5, 7]);
    expect(read.tokens).toBe(reader.manifest.tokens);
    expect(read.firings).toEqual(firings);
    expect(read.means).toEqual(mean);
    expect([...read.cofiring.keys()]).toEqual([5, 7]);
    expect(read.cofiring.get(5)).toEqual(page.cofiring);
    expect(read.logits.get(5)).toEqual(page.logits);
    await reader.close();
  });

  it('of another dictionary are refused by the name of their folder', async () => {
    const read = readForecastStatistics(folder, 'e'.repeat(64), [5]);
    await expect(read).rejects.toMatchObject({ code: 'mismatch' });
    await expect(read).rejects.toThrow(`${folder}: these statistics are of another dictionary.`);
  });
});
