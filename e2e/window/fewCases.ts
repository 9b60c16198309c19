// The suites of the sample cut down to what a test has the time for.
import type { Api } from '../../main/contract/api/contract.ts';

const KEPT = ['jailbreak', 'refusals'];

/** Two suites of a few cases, `few jailbreak` and `few refusals`, in the place of all of the sample's: as little as makes a whole report. */
export async function keepFew(api: Api, most: Readonly<Record<'choose' | 'report', number>>): Promise<void> {
  for (const { name } of await api.behaviour.list()) {
    const { behaviour } = await api.behaviour.show({ ref: name });
    await api.behaviour.remove({ name });
    if (!KEPT.includes(name)) continue;
    const of = (split: 'choose' | 'report') =>
      behaviour.cases.filter((one) => one.split === split).slice(0, most[split]);
    await api.behaviour.save({
      behaviour: { ...behaviour, name: `few ${name}`, cases: [...of('choose'), ...of('report')] },
    });
  }
}
