// The whole API, by noun. Adding a procedure here makes it missing from the hosts' table, which then does not compile.
//   const { api } = createConnection(contract, connect);
//   const models = await api.model.list();
//   await api.model.generate({ model: 'gpt2', prompt: 'Once', maxNewTokens: 32 }, { onChunk: ({ text }) => …, signal });
import { activations } from './nouns/activations.ts';
import { app } from './nouns/app.ts';
import { behaviour } from './nouns/behaviour.ts';
import { dictionary } from './nouns/dictionary.ts';
import { edit } from './nouns/edit.ts';
import { evaluation } from './nouns/evaluation.ts';
import { events } from './nouns/events.ts';
import { export_ } from './nouns/export.ts';
import { feature } from './nouns/feature.ts';
import { files } from './nouns/files.ts';
import { finder } from './nouns/finder.ts';
import { history } from './nouns/history.ts';
import { intruder } from './nouns/intruder.ts';
import { job } from './nouns/job.ts';
import { label } from './nouns/label.ts';
import { list } from './nouns/list.ts';
import { model } from './nouns/model.ts';
import { playground } from './nouns/playground.ts';
import { project } from './nouns/project.ts';
import { suggestion } from './nouns/suggestion.ts';
import type { Client, Handlers } from './procedure.ts';

export const contract = {
  app,
  project,
  files,
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
  job,
  events,
};

export type ErrataContract = typeof contract;
export type Api = Client<ErrataContract>;
export type ApiHandlers = Handlers<ErrataContract>;
