// A plain checkpoint with steers in its biases, which is exact.
import { checkpointForm } from '../../checkpoints/checkpointForm.ts';
import type { ExportForm } from '../form.ts';

export const bias = {
  ...checkpointForm('bias', () => ({
    badge: 'exact',
    reason: 'A bias that is added at the site carries the constant.',
  })),
  name: 'bias',
  title: 'Checkpoint, steer in a bias',
  description: 'A plain Hugging Face checkpoint of the same architecture: whatever loads the original loads it.',
  carries: 'Steers at every position, where the architecture has a bias at the site; exact.',
} satisfies ExportForm<'bias'>;
