// A plain checkpoint with projections in whatever writes to the residual stream before the site.
import { checkpointForm } from '../../checkpoints/checkpointForm.ts';
import type { ExportForm } from '../form.ts';

export const weights = {
  ...checkpointForm('weights', (isExact) =>
    isExact
      ? { badge: 'exact', reason: 'Nothing reads the stream between what is projected and the site.' }
      : {
          badge: 'approximate',
          reason:
            'It projects everything that is written to the stream up to the site, so the blocks before the site see the projected ' +
            'stream, too. By how much the model then differs from the edit at the site alone is measured and reported.',
        },
  ),
  name: 'weights',
  title: 'Checkpoint, projection in the weights',
  description: 'A plain Hugging Face checkpoint whose every writer to the residual stream is projected.',
  carries:
    'Projections, and steers with them, at every position; exact where nothing reads the stream before the site.',
} satisfies ExportForm<'weights'>;
