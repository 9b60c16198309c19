// Unit tests sit beside their source; end-to-end tests drive the built program. Each file runs in a process of its own: a
// native crash fails one file, not the run.
import { defineConfig } from 'vitest/config';

const common = { pool: 'forks' as const, testTimeout: 60_000, hookTimeout: 60_000 };

export default defineConfig({
  test: {
    maxWorkers: 2,
    projects: [
      {
        test: {
          ...common,
          name: 'unit',
          setupFiles: ['.ci/propertySeed.ts'],
          include: ['main/**/*.test.ts', 'renderer/**/*.test.ts', 'bench/**/*.test.ts', '.ci/**/*.test.ts'],
        },
      },
      { test: { ...common, name: 'e2e', include: ['e2e/**/*.test.ts'], testTimeout: 300_000, hookTimeout: 300_000 } },
    ],
  },
});
