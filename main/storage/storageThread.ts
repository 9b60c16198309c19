// The thread behind storageWork.ts: does one piece of work, answers, ends.
import { join } from 'node:path';
import { parentPort, workerData } from 'node:worker_threads';
import { serializeError } from '../contract/base/errors.ts';
import { Database } from './database.ts';
import { createProject } from './project/create.ts';
import { DATABASE_FILE } from './project/layout.ts';
import { openProject } from './project/open.ts';
import { Project } from './project/project.ts';
import type { StorageAnswer, StorageWork } from './storageWork.ts';

const { task, folder } = workerData as StorageWork; // of storageWork.ts

/** A second connection beside the host's: no holder of the project. */
function withProject<T>(use: (project: Project) => T): T {
  const now = () => new Date().toISOString();
  const project = new Project(folder, new Database(join(folder, DATABASE_FILE)), now, {});
  try {
    return use(project);
  } finally {
    project.close();
  }
}

async function work() {
  switch (task) {
    case 'create':
      (await createProject(folder)).close();
      return null;
    case 'prepare': {
      const project = await openProject(folder);
      project.close();
      return project.notices;
    }
    case 'checkpoint': {
      const database = new Database(join(folder, DATABASE_FILE));
      try {
        database.pragma('wal_checkpoint(PASSIVE)'); // takes no lock that a writer waits for
        return null;
      } finally {
        database.close();
      }
    }
    case 'backup':
      return withProject((project) => project.backup());
    case 'check':
      return withProject((project) => project.check());
  }
}

const answer: StorageAnswer = await work().then(
  (result) => ({ result }),
  (thrown: unknown) => ({ error: serializeError(thrown) }),
);
parentPort?.postMessage(answer);
