// The nouns of the contract that work on the open project, each with its procedures. A host mounts the table, so a noun that
// is added here is served by all of them.
import type { ErrataContract } from '../contract/api/contract.ts';
import { activations } from './activations.ts';
import type { Procedures } from './call.ts';
import { behaviour } from './behaviour.ts';
import { feature } from './feature.ts';
import { model } from './model.ts';
import { dictionary } from './dictionary.ts';
import { history } from './history.ts';
import { intruder } from './intruder.ts';
import { label } from './label.ts';
import { list } from './list.ts';
import { playground } from './playground.ts';

export const nouns = {
  activations,
  dictionary,
  label,
  list,
  intruder,
  playground,
  history,
  model,
  feature,
  behaviour,
} satisfies { readonly [Noun in keyof ErrataContract]?: Procedures<Noun> };
