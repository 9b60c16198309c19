// Gated (Rajamanoharan et al. 2024, arXiv 2404.16014): one product decides which features fire, and the same product, scaled
// and shifted, how strongly. With the paper's names pre = x·W + b_gate and f = relu(exp(r_mag)·(pre − b_gate) + b_mag)
// where pre > 0. The three arrays are kept as files have them, so that a dictionary can be saved again to the byte.
import { AppError } from '../../../contract/base/errors.ts';
import * as op from '../../onnx/ops.ts';
import type { Kind, PerFeature } from './kind.ts';

export const LOG_SCALE = 'logScale';
export const MAGNITUDE_BIAS = 'magnitudeBias';
/** What pre-activations were made with, and magnitudes are not. */
export const GATE_BIAS = 'gateBias';

function arrayOf(perFeature: PerFeature, name: string): Float32Array {
  const array = perFeature[name];
  if (array) return array;
  throw new AppError('internal', `This dictionary has no ${name}.`);
}

/** f = scale·pre + offset where it fires. */
function line(perFeature: PerFeature, row: number): { readonly scale: number; readonly offset: number } {
  const scale = Math.exp(arrayOf(perFeature, LOG_SCALE)[row] ?? 0);
  const gateBias = arrayOf(perFeature, GATE_BIAS)[row] ?? 0;
  return { scale, offset: (arrayOf(perFeature, MAGNITUDE_BIAS)[row] ?? 0) - scale * gateBias };
}

export const gated = {
  name: 'gated',
  perFeature: [LOG_SCALE, MAGNITUDE_BIAS, GATE_BIAS],
  competes: false,
  select(pre, perFeature) {
    const scaled = op.mul(op.exp(perFeature(LOG_SCALE)), op.sub(pre, perFeature(GATE_BIAS)));
    return op.where(op.greater(pre, 0), op.relu(op.add(scaled, perFeature(MAGNITUDE_BIAS))), 0);
  },
  selectSlowly(pre, perFeature) {
    const values = pre.map((value, row) => {
      const { scale, offset } = line(perFeature, row);
      return value > 0 ? Math.max(0, scale * value + offset) : 0;
    });
    const bar = (row: number) => {
      const { scale, offset } = line(perFeature, row);
      return Math.max(0, -offset / scale);
    };
    return { values, bar };
  },
  python: [
    `scaled = torch.exp(rows["${LOG_SCALE}"]) * (pre - rows["${GATE_BIAS}"]) + rows["${MAGNITUDE_BIAS}"]`,
    'return torch.where(pre > 0, torch.relu(scaled), torch.zeros_like(pre))',
  ],
  jump: (perFeature, feature) => Math.max(0, line(perFeature, feature).offset),
  exactness: () => 'Each feature depends on its own row only.',
  saeLens: {
    architecture: 'gated',
    config: () => ({}),
    tensors({ encoderBias, perFeature }) {
      const gateBias = arrayOf(perFeature, GATE_BIAS);
      const logScale = arrayOf(perFeature, LOG_SCALE);
      return {
        b_gate: encoderBias,
        // The layout has one bias for both: what the gate's was moved by moves the magnitude, too.
        b_mag: arrayOf(perFeature, MAGNITUDE_BIAS).map(
          (bias, i) => bias + Math.exp(logScale[i] ?? 0) * ((encoderBias[i] ?? 0) - (gateBias[i] ?? 0)),
        ),
        r_mag: logScale,
      };
    },
    async read(tensor) {
      const encoderBias = await tensor('b_gate');
      const perFeature = {
        [LOG_SCALE]: await tensor('r_mag'),
        [MAGNITUDE_BIAS]: await tensor('b_mag'),
        [GATE_BIAS]: encoderBias,
      };
      return { encoderBias, perFeature };
    },
  },
} satisfies Kind<'gated'>;
