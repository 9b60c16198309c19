// Runs test files in one warm Vitest, as a process of its own that its parent may kill: a mutation can loop for ever.
// Stops at the first
// file that fails. It is sent { files, changed } and answers { passed }.
import { createVitest } from 'vitest/node';

export interface TestRequest {
  readonly files: readonly string[];
  /** Absolute paths of files that are others since the last request. */
  readonly changed: readonly string[];
}
export interface TestAnswer {
  readonly passed: boolean;
}

const vitest = await createVitest('test', {
  project: ['unit'],
  watch: false,
  maxWorkers: 1,
  reporters: [{}],
  testTimeout: 30_000,
});

process.on('message', ({ files, changed }: TestRequest) => {
  void (async () => {
    for (const path of changed) vitest.invalidateFile(path);
    const specifications = (await vitest.globTestSpecifications([...files])).filter(({ moduleId }) =>
      files.some((file) => moduleId.endsWith(`/${file}`)),
    );
    const order = (moduleId: string) => files.findIndex((file) => moduleId.endsWith(`/${file}`));
    let passed = specifications.length > 0;
    for (const specification of specifications.toSorted((a, b) => order(a.moduleId) - order(b.moduleId))) {
      const { testModules, unhandledErrors } = await vitest.runTestSpecifications([specification]);
      // All that were ever run are among them.
      const module = testModules.find(({ moduleId }) => moduleId === specification.moduleId);
      passed = unhandledErrors.length === 0 && module?.ok() === true;
      vitest.state.errorsSet.clear();
      if (!passed) break;
    }
    process.send?.({ passed } satisfies TestAnswer);
  })();
});
process.on('disconnect', () => process.exit());
process.send?.('ready');
