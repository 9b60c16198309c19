// The version that this host serves to other programs. It ends with the project.
import { randomBytes } from 'node:crypto';
import type { OutputOf } from '../../contract/rpc/procedure.ts';
import type { contract } from '../../contract/api/contract.ts';
import { listeningError, serveCompletions, type CompletionServer } from '../completions/server.ts';
import { findModelByHash } from '../../workbench/models.ts';
import { openServing } from '../../workbench/serving.ts';
import type { Workbench } from '../../workbench/workbench.ts';

type Facts = OutputOf<typeof contract.serving.start>;

export class ServedVersion {
  #current: { readonly server: CompletionServer; readonly facts: Facts } | null = null;

  status(): Facts | null {
    return this.#current?.facts ?? null;
  }

  /** @throws AppError `not-found`, `mismatch`; `usage` for a port that is taken. Then what was served before still is. */
  async start(workbench: Workbench, { version: ref, port = 0 }: { version: string; port?: number }): Promise<Facts> {
    const { id, model: hash, operations } = workbench.project.versions.get(ref);
    const model = await findModelByHash(workbench.project.folder, hash);
    const serving = await openServing(workbench, { model, edit: { operations }, name: id.slice(0, 10) });
    const token = randomBytes(24).toString('base64url');
    const server = await serveCompletions({ serving, port, token }).catch((thrown: unknown) => {
      throw listeningError(thrown, port);
    });
    await this.stop();
    const facts = { url: server.url, token, models: serving.models.map((each) => each.id), version: id };
    this.#current = { server, facts };
    return facts;
  }

  async stop(): Promise<void> {
    const before = this.#current;
    this.#current = null;
    await before?.server.close();
  }
}
