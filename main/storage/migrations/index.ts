// Every schema version ever released, in order. The project's schema version is SQLite's `user_version`.
import { first } from './0001-first.ts';
import { evaluations } from './0002-evaluations.ts';
import { featureStatistics } from './0003-feature-statistics.ts';
import { intruderTests } from './0004-intruder-tests.ts';
import { indexes } from './0005-indexes.ts';
import { jobOwners } from './0006-job-owners.ts';
import type { Migration } from './migration.ts';

export const MIGRATIONS: readonly Migration[] = [
  first,
  evaluations,
  featureStatistics,
  intruderTests,
  indexes,
  jobOwners,
];
