// ONNX graphs that hold the edit and the weights: nothing else is needed to run them.
import { graphForm } from '../../graphs/graphForm.ts';
import { writeOwnWeights } from '../../graphs/writeGraphs.ts';
import type { ExportForm } from '../form.ts';

export const embedded = {
  ...graphForm(writeOwnWeights, 'The weights are in the `.onnx` files, or in `model.onnx_data` next to them.'),
  name: 'embedded',
  title: 'ONNX, weights inside',
  description: 'Runs with ONNX Runtime in any language; nothing else is needed.',
} satisfies ExportForm<'embedded'>;
