// Layouts that are recognised so that they are refused by name: what they hold reads or writes several sites, or another than it
// reads, and an edit of it cannot be computed here yet.
import { unsupported, type Layout, type Material } from './layout.ts';

export const circuitTracer: Layout<'circuit_tracer'> = {
  name: 'circuit_tracer',
  title: 'circuit-tracer',
  recognise({ tensors, configs }) {
    const names = [...tensors.keys()];
    const isClt = names.some((name) => /^W_(?:enc|dec)_\d+$/u.test(name));
    const isSet = ['config.yaml', 'wanb-config.yaml'].some(
      (name) => typeof configs.get(name)?.['model_kind'] === 'string',
    );
    if (isClt) return 'Its tensors have the numbers of layers in their names, as cross-layer transcoders do.';
    if (tensors.has('activation_function.threshold')) return 'It has the tensor activation_function.threshold.';
    return isSet ? 'Its config.yaml says model_kind.' : null;
  },
  read: ({ path, tensors }) =>
    Promise.reject(
      unsupported(
        path,
        [...tensors.keys()].some((name) => /^W_(?:enc|dec)_\d+$/u.test(name))
          ? 'it is a cross-layer transcoder, which cannot be used here yet'
          : 'it is a transcoder, which reads one site and writes another and cannot be used here yet',
      ),
    ),
};

export const crosscoder: Layout<'crosscoder'> = {
  name: 'crosscoder',
  title: 'a crosscoder',
  recognise: (material) =>
    axesOf(material) === 3 ? 'Its encoder has three axes: one for several sites or models.' : null,
  read: ({ path }) =>
    Promise.reject(unsupported(path, 'it is a crosscoder of several sites or models, which cannot be used here yet')),
};

function axesOf({ tensors }: Material): number {
  const encoder = ['W_enc', 'encoder.weight', 'W_encoder_DF', 'w_enc'].find((name) => tensors.has(name));
  return encoder === undefined ? 0 : (tensors.get(encoder)?.shape.length ?? 0);
}
