// Told of each step of a search as it is made.
import type { FindStep } from '../../contract/domain/finding.ts';

export type OnStep = (step: FindStep) => void;
