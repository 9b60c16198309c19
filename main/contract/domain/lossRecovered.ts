// How much of the loss that zeroing a site costs a dictionary's reconstruction gives back: a share where it is one.
import { percent } from '../base/figures.ts';

export interface Losses {
  /** Nats per token: of the model as it is, with the reconstruction, and with the site set to zero. */
  readonly ceOriginal: number;
  readonly ceReconstructed: number;
  readonly ceZero: number;
}

export const NO_LOSS_RECOVERED = {
  zeroHelps: 'setting the site to zero does not raise the loss',
  reconstructionHelps: 'the model is worse than with its reconstruction',
} as const;

/** By so much of what zeroing costs a reconstruction may be better than the model: rounding of float32 sums. */
const ROUNDING = 0.001;

/** The share, or why there is none. */
export function lossRecovered({
  ceOriginal,
  ceReconstructed,
  ceZero,
}: Losses): number | keyof typeof NO_LOSS_RECOVERED {
  const whole = ceZero - ceOriginal;
  if (!(whole > 0)) return 'zeroHelps';
  if (ceReconstructed < ceOriginal - ROUNDING * whole) return 'reconstructionHelps';
  return Math.min((ceZero - ceReconstructed) / whole, 1);
}

/** '97.3%', or 'not defined: …'. Of what older programs measured, which may lack the losses, the share alone. */
export function lossRecoveredText(
  quality: Partial<Losses> & { readonly lossRecovered: number | null },
  show: (share: number) => string = percent,
): string {
  const { ceOriginal, ceReconstructed, ceZero, lossRecovered: share } = quality;
  const found =
    ceOriginal === undefined || ceReconstructed === undefined || ceZero === undefined
      ? share
      : lossRecovered({ ceOriginal, ceReconstructed, ceZero });
  if (found === null) return 'not defined';
  return typeof found === 'number' ? show(found) : `not defined: ${NO_LOSS_RECOVERED[found]}`;
}
