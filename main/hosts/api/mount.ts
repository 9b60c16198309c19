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

export function mounted<Noun extends keyof ErrataContract>(
  host: HostContext,
  procedures: Procedures<Noun>,
): ApiHandlers[Noun] {
  const mount =
    (work: AnyWork) =>
    (input: unknown, { signal, send }: AnyContext) => {
      const session = host.session();
      return work(session.workbench, input, {
        ...{ signal, send },
        pathOf: (location) => host.locations.pathOf(location),
        author: (why) => host.author(why),
        start: (kind, request) => session.submit(kind, request),
        settled: (job) => session.settled(job),
      });
    };
  const works = Object.entries(procedures as Readonly<Record<string, AnyWork>>);
  // The types of both tables are made from one contract, name by name.
  return Object.fromEntries(works.map(([name, work]) => [name, mount(work)])) as unknown as ApiHandlers[Noun];
}
