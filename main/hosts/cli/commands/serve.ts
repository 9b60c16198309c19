import { AppError } from '../../../contract/base/errors.ts';
import { EMPTY_EDIT } from '../../../contract/domain/edit.ts';
import { editId } from '../../../core/edits/edit.ts';
import { shortId } from '../../../core/edits/version.ts';
import { findModel, findModelByHash } from '../../../workbench/models.ts';
import { openServing } from '../../../workbench/serving.ts';
import { listeningError, serveCompletions } from '../../completions/server.ts';
import type { CommandArguments, ComputeCommand } from '../command.ts';
import { EDIT_OPTIONS, editOf, namesEdit } from '../editOptions.ts';
import { inWorkbench } from '../openProject.ts';
import type { Workbench } from '../../../workbench/workbench.ts';
import { optionalNumber, optionalText } from '../values.ts';

const USUAL_PORT = 8000;

export const serveCommand: ComputeCommand = {
  name: 'serve',
  summary: 'Serve a model and a version of it to other programs, as OpenAI’s API, on this machine only.',
  usage: 'serve [MODEL] [--version V | --edit FILE | --dictionary D --op OPERATION …] [--port PORT]',
  examples: [
    'serve --version main',
    'serve sample --port 8001',
    'serve --version main --token "$(openssl rand -hex 16)"',
  ],
  options: {
    ...EDIT_OPTIONS,
    port: { type: 'string', description: `Where to listen; ${USUAL_PORT} by default, 0 for any that is free.` },
    token: {
      type: 'string',
      description: 'Programs must send it as their API key; ERRATA_SERVE_TOKEN when left out, else none is asked for.',
    },
  },
  computesOn: 'any',
  runsUntilStopped: true,
  run: (arguments_, context) =>
    inWorkbench(context, async (workbench) => {
      const port = optionalNumber(arguments_, 'port', { min: 0, max: 65535, integer: true }) ?? USUAL_PORT;
      const token = optionalText(arguments_, 'token') ?? process.env['ERRATA_SERVE_TOKEN'] ?? null;
      if (token === '') throw new AppError('usage', 'errata serve: the token is empty.');
      const served = await servedBy(arguments_, workbench);
      const serving = await openServing(workbench, served);
      await context.device(); // it is told before the first request
      const server = await serveCompletions({ serving, port, token, log: (line) => context.print(line) }).catch(
        (thrown: unknown) => {
          throw listeningError(thrown, port);
        },
      );
      const models = serving.models.map(({ id }) => id);
      context.print(`Serving ${models.join(' and ')} at ${server.url}`);
      if (token === null) context.print('Any program of this machine may ask. Ctrl-C stops.');
      try {
        if (!context.signal.aborted) {
          await new Promise((resolve) => context.signal.addEventListener('abort', resolve, { once: true }));
        }
      } finally {
        await server.close();
      }
      return { url: server.url, models };
    }),
};

async function servedBy(arguments_: CommandArguments, workbench: Workbench) {
  const [name, ...more] = arguments_.positionals;
  if (more.length > 0) throw new AppError('usage', 'errata serve: give at most one model.');
  const version = optionalText(arguments_, 'version');
  const { folder } = workbench.project;
  const named = name === undefined ? null : await findModel(folder, name);
  if (version !== undefined) {
    const { edit } = await editOf(arguments_, workbench, 'serve');
    const { model: hash } = workbench.project.versions.get(version);
    if (named !== null && named.hash !== hash) {
      throw new AppError('mismatch', `The version ${version} is not of the model ${named.name}.`);
    }
    return { model: named ?? (await findModelByHash(folder, hash)), edit, name: version };
  }
  if (named === null) throw new AppError('usage', 'errata serve: name a model, or a version with --version.');
  if (!namesEdit(arguments_)) return { model: named, edit: EMPTY_EDIT, name: '' };
  const { edit } = await editOf(arguments_, workbench, 'serve');
  return { model: named, edit, name: shortId(editId(edit)) };
}
