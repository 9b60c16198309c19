import { exponential } from '../../../contract/base/figures.ts';
import type { ComputeCommand } from '../command.ts';

export const deviceCommand: ComputeCommand = {
  name: 'device',
  summary: 'Try the devices of this machine and say which one computes, and why.',
  usage: 'device [--device auto|cpu|webgpu|cuda|dml|coreml]',
  examples: ['device', 'device --device webgpu --json'],
  options: {},
  computesOn: 'any',
  run: async (_arguments, context) => {
    const choice = await context.device({ isReport: true });
    for (const { device, isUsable, reason, maxAbsError } of choice.candidates) {
      const error = maxAbsError === null ? '' : `, largest error ${exponential(maxAbsError, 1)}`;
      context.print(`${isUsable ? '✓' : '✗'} ${device.padEnd(7)} ${reason}${error}`);
    }
    if (choice.driver !== null) context.print(`Driver set by the environment: ${choice.driver}`);
    context.print(`ONNX Runtime ${choice.onnxruntime ?? 'unknown'}, Node ${process.versions.node}`);
    context.print(`Device: ${choice.device}. ${choice.reason}`);
    return { ...choice, node: process.versions.node };
  },
};
