import { statfs } from 'node:fs/promises';
import * as v from 'valibot';
import type { ApiHandlers } from '../../../contract/api/contract.ts';
import type { captureSchema, corpusSchema } from '../../../contract/api/activations.ts';
import { AppError } from '../../../contract/base/errors.ts';
import { folderBytes } from '../folderBytes.ts';
import {
  captureJob,
  DEFAULT_CONTEXT_LENGTH,
  listStores,
  storeName,
  type CaptureRequest,
} from '../../../workbench/activations.ts';
import { corpusPath, listCorpora } from '../../../workbench/corpora.ts';
import { findModel, listModels, modelInput } from '../../../workbench/models.ts';
import type { Immutable } from '../../../contract/rpc/procedure.ts';
import type { HostContext } from '../hostContext.ts';

type CaptureInput = Immutable<v.InferOutput<typeof captureSchema>>;

/** Of English text, by the tokenizers that models of this kind have: a guess that `plan` says is one. */
const BYTES_PER_TOKEN = 4;

export function activationsHandlers(host: HostContext): ApiHandlers['activations'] {
  const pathOfCorpus = (corpus: Immutable<v.InferOutput<typeof corpusSchema>>) =>
    corpus.from === 'location'
      ? host.locations.pathOf(corpus.location)
      : corpusPath(host.session().workbench, corpus.name);

  const requestOf = async ({ corpus, sites, ...rest }: CaptureInput): Promise<CaptureRequest> => ({
    ...rest,
    sites: [...sites],
    corpus: await pathOfCorpus(corpus),
  });

  return {
    corpora: () => listCorpora(host.session().workbench),
    list: async () => {
      const { workbench } = host.session();
      const names = new Map((await listModels(workbench.project.folder)).map(({ hash, name }) => [hash, name]));
      return (await listStores(workbench)).map(({ model, ...store }) => ({
        ...store,
        model: { hash: model, name: names.get(model) ?? null },
      }));
    },
    plan: async (input) => {
      const { workbench } = host.session();
      const { project } = workbench;
      const model = await findModel(project.folder, input.model);
      const { sites } = await host.computing.compute('model.describe', modelInput(project.folder, model));
      const widths = input.sites.map((name) => {
        const site = sites.find((candidate) => candidate.name === name);
        if (site) return site.width;
        throw new AppError('unknown-site', `The model has no site "${name.slice(0, 100)}".`);
      });
      const corpusBytes = await folderBytes(await pathOfCorpus(input.corpus));
      const contextLength = input.contextLength ?? Math.min(DEFAULT_CONTEXT_LENGTH, model.contextLength);
      const inCorpus = Math.max(1, Math.floor(corpusBytes / BYTES_PER_TOKEN / contextLength));
      const contexts = Math.min(inCorpus, input.maxContexts ?? Infinity);
      const tokens = contexts * contextLength;
      const perNumber = input.dtype === 'f16' ? 2 : 4;
      const { bavail, bsize } = await statfs(project.folder);
      const rate = captureRate(host, input.model);
      return {
        corpusBytes,
        contexts,
        tokens,
        bytes: tokens * perNumber * widths.reduce((sum, width) => sum + width, 0),
        freeBytes: bavail * bsize,
        seconds: rate === null ? null : tokens / rate,
      };
    },
    capture: async (input) => {
      const session = host.session();
      const request = await requestOf(input);
      await findModel(session.workbench.project.folder, request.model); // refused now, not when its turn comes
      const names = request.sites.map((site) => storeName(request, site));
      const taken = (await listStores(session.workbench)).find(
        ({ name, fraction }) => names.includes(name) && fraction === 1,
      );
      if (taken)
        throw new AppError('exists', `There are activations called ${taken.name} already. Choose another name.`);
      return session.submit(captureJob, request);
    },
  };
}

const outputSchema = v.object({ tokensPerSecond: v.number() });

/** Tokens per second of the last capture of this session with that model. */
function captureRate(host: HostContext, model: string): number | null {
  const session = host.session();
  for (const { id, kind, state } of session.jobs()) {
    if (kind !== captureJob.name || state !== 'succeeded') continue;
    const output = v.safeParse(outputSchema, session.output(id));
    if (output.success && session.describes(id, 'model', model) && output.output.tokensPerSecond > 0) {
      return output.output.tokensPerSecond;
    }
  }
  return null;
}
