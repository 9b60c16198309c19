// ONNX graphs that hold the edit, and the model's own weight files as hard links.
import { graphForm } from '../../graphs/graphForm.ts';
import { linkWeights } from '../../graphs/writeGraphs.ts';
import type { ExportForm } from '../form.ts';

export const referenced = {
  ...graphForm(
    linkWeights,
    'The weights are the files of the original model (hard links to them, or copies). They are *not* patched: the edit is in the graphs.',
  ),
  name: 'referenced',
  title: 'ONNX, weights linked',
  description: 'Runs with ONNX Runtime; the weights are the model’s own files as hard links, and take no space.',
} satisfies ExportForm<'referenced'>;
