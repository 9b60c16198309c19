// The nouns of the contract that work on the open project, each with its procedures. A host mounts the table, so a noun that
// is added here is served by all of them.
import type { ErrataContract } from '../contract/api/contract.ts';
import { activations } from './activations.ts';
import { behaviour } from './behaviour.ts';
import type { Procedures } from './call.ts';
import { dictionary } from './dictionary.ts';
import { edit } from './edit.ts';
import { evaluation } from './evaluation.ts';
import { export_ } from './export.ts';
import { feature } from './feature.ts';
import { finder } from './finder.ts';
import { history } from './history.ts';
import { intruder } from './intruder.ts';
import { label } from './label.ts';
import { list } from './list.ts';
import { model } from './model.ts';
import { playground } from './playground.ts';
import { suggestion } from './suggestion.ts';

export const nouns = {
  model,
  activations,
  dictionary,
  feature,
  label,
  list,
  intruder,
  suggestion,
  edit,
  playground,
  behaviour,
  evaluation,
  finder,
  export: export_,
  history,
} satisfies { readonly [Noun in keyof ErrataContract]?: Procedures<Noun> };
