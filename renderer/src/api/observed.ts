// The API with an ear: tells of every query that is asked through it what the answer shows, as the contract says it.
import { contract, type Api } from '../../../main/contract/api/contract.ts';
import type { Changing } from '../../../main/contract/base/changing.ts';
import type { CallOptions, Contract } from '../../../main/contract/rpc/procedure.ts';

type AnyCall = (input?: unknown, options?: CallOptions<unknown>) => Promise<unknown>;

export function observed(api: Api, onAsked: (shows: readonly Changing[]) => void): Api {
  const nouns = Object.entries(contract as Contract).map(([noun, procedures]) => {
    const calls = api[noun as keyof Api] as Readonly<Record<string, AnyCall>>; // made from the contract
    const heard = Object.entries(procedures).map(([name, { shows }]): [string, AnyCall] => [
      name,
      (input, options) => {
        onAsked(shows);
        return calls[name]!(input, options);
      },
    ]);
    return [noun, Object.fromEntries(heard)];
  });
  return Object.fromEntries(nouns) as Api; // noun by noun, name by name the same
}
