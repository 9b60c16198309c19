// The whole API, by noun. Adding a procedure here makes it missing from the hosts' table, which then does not compile.
//   const { api } = createConnection(contract, connect);
//   const models = await api.model.list();
//   await api.model.generate({ model: 'gpt2', prompt: 'Once', maxNewTokens: 32 }, { onChunk: ({ text }) => …, signal });
import { activations } from './activations.ts';
import { app } from './app.ts';
import { behaviour } from './behaviour.ts';
import { dictionary } from './dictionary.ts';
import { edit } from './edit.ts';
import { evaluation } from './evaluation.ts';
import { events } from './events.ts';
import { export_ } from './export.ts';
import { feature } from './feature.ts';
import { files } from './files.ts';
import { finder } from './finder.ts';
import { history } from './history.ts';
import { hub } from './hub.ts';
import { intruder } from './intruder.ts';
import { job } from './job.ts';
import { label } from './label.ts';
import { list } from './list.ts';
import { model } from './model.ts';
import { playground } from './playground.ts';
import { project } from './project.ts';
import { serving } from './serving.ts';
import { suggestion } from './suggestion.ts';
import type { Client, Handlers } from '../rpc/procedure.ts';

export const contract = {
  app,
  project,
  files,
  model,
  hub,
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
  serving,
  history,
  job,
  events,
};

export type ErrataContract = typeof contract;
export type Api = Client<ErrataContract>;
export type ApiHandlers = Handlers<ErrataContract>;
