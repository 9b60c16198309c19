import type { ApiHandlers } from '../../../contract/api/contract.ts';
import type { HostContext } from '../hostContext.ts';

export function eventsHandlers({ events }: HostContext): ApiHandlers['events'] {
  return {
    watch: (_input, { signal, send }) =>
      new Promise((resolve) => {
        const end = events.subscribe(send);
        send({ type: 'ready' });
        signal.addEventListener('abort', () => {
          end();
          resolve({});
        });
      }),
  };
}
