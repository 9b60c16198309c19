// What a vitest run came to, for .ci/test.ts: counts, and what failed, in words. Vitest's own JSON leaves out what happens
// outside of any test, such as a test process that dies.
import { writeFileSync } from 'node:fs';
import type { SerializedError } from 'vitest';
import type { Reporter, TestModule } from 'vitest/node';
import type { DeadFile, SuiteResult } from './suiteResult.ts';

const firstLine = (message: string) => message.split('\n', 1)[0]!;

/** Vitest's words for a test process that ended by a signal, and the file that it ran. */
const DIED = /^Worker exited unexpectedly with signal (\w+).* test file (.+)$/u;

export default class CountReporter implements Reporter {
  onTestRunEnd(modules: readonly TestModule[], unhandled: readonly SerializedError[]): void {
    const result = { passed: 0, failed: 0, skipped: 0, failures: [] as string[], died: [] as DeadFile[] };
    const fail = (where: string, message = '') => {
      result.failed++;
      result.failures.push(`${where}: ${firstLine(message)}`);
    };
    for (const { message, cause } of unhandled) {
      const why = (cause as Error | undefined)?.message ?? message;
      const [, signal, file] = DIED.exec(firstLine(why)) ?? [];
      if (signal !== undefined && file !== undefined) result.died.push({ file, signal });
      else fail('outside of any test', why);
    }
    for (const module of modules) {
      if (result.died.some(({ file }) => file === module.moduleId)) continue;
      for (const error of module.errors()) fail(module.relativeModuleId, error.message);
      for (const suite of module.children.allSuites())
        for (const error of suite.errors()) fail(`${module.relativeModuleId} > ${suite.fullName}`, error.message);
      for (const test of module.children.allTests()) {
        const { state, errors } = test.result();
        if (state === 'passed') result.passed++;
        else if (state === 'failed') fail(`${module.relativeModuleId} > ${test.fullName}`, errors[0]?.message);
        else if (state === 'skipped') result.skipped++;
        else fail(`${module.relativeModuleId} > ${test.fullName}`, 'It was not run to its end.');
      }
    }
    writeFileSync(process.env['ERRATA_SUITE_RESULT']!, JSON.stringify(result satisfies SuiteResult));
  }
}
