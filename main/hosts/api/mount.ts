// The procedures of the workbench as handlers of the API: each gets the open project, and who asks.
import type { ApiHandlers, ErrataContract } from '../../contract/api/contract.ts';
import type { Call, Procedures } from '../../workbench/call.ts';
import type { Workbench } from '../../workbench/workbench.ts';
import type { HostContext } from './hostContext.ts';

type AnyWork = (workbench: Workbench, input: unknown, call: Call<unknown>) => unknown;
interface AnyContext {
  readonly signal: AbortSignal;
  readonly send: (chunk: unknown) => void;
}
type Nouns = { readonly [Noun in keyof ErrataContract]?: Procedures<Noun> };

/** The handlers of every noun of a table. */
export function mounted<Table extends Nouns>(
  host: HostContext,
  nouns: Table,
): Pick<ApiHandlers, keyof Table & keyof ApiHandlers> {
  const mount =
    (work: AnyWork) =>
    (input: unknown, { signal, send }: AnyContext) => {
      const session = host.session();
      return work(session.workbench, input, {
        ...{ signal, send },
        endpoint: host.settings.settings.suggestions,
        pathOf: (location) => host.locations.pathOf(location),
        author: (why) => host.author(why),
        start: (kind, request) => session.submit(kind, request),
        settled: (job) => session.settled(job),
      });
    };
  const mountNoun = (procedures: Readonly<Record<string, AnyWork>>) =>
    Object.fromEntries(Object.entries(procedures).map(([name, work]) => [name, mount(work)]));
  const tables = Object.entries(nouns as unknown as Readonly<Record<string, Readonly<Record<string, AnyWork>>>>);
  // The types of both tables are made from one contract, name by name.
  return Object.fromEntries(tables.map(([noun, procedures]) => [noun, mountNoun(procedures)])) as unknown as Pick<
    ApiHandlers,
    keyof Table & keyof ApiHandlers
  >;
}
