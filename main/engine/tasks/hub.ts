// Downloads into the cache of the Hub. The token is read here, from the environment or its file: no message carries it.
import * as v from 'valibot';
import { commitSchema, filePatternSchema, repositorySchema, revisionSchema } from '../../contract/domain/hub.ts';
import { connectHub } from '../../core/hub/connection.ts';
import { download } from '../../core/hub/download.ts';
import { hubPlaces } from '../../core/hub/hubPlaces.ts';
import { chooseFiles, describeRemote } from '../../core/hub/remote.ts';
import { defineTask } from '../task.ts';

export const downloadFromHub = defineTask({
  lane: 'network',
  input: v.object({
    repository: repositorySchema,
    commit: commitSchema,
    ref: v.nullable(revisionSchema),
    files: v.array(filePatternSchema),
  }),
  run: async ({ repository, commit, ref, files }, { signal, onWork, log }) => {
    const connection = await connectHub();
    const remote = await describeRemote(connection, repository, commit, signal);
    const chosen = chooseFiles(remote, files);
    const done = await download(connection, hubPlaces().cache, remote, chosen, ref, { signal, onWork, log });
    return { repository, commit, ...done };
  },
});
