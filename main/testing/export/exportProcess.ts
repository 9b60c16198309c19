// A process that exports and may be killed at a stage of it: `node exportProcess.ts MODEL FOLDER [STAGE]`. Only tests start it.
import { serializeError } from '../../contract/base/errors.ts';
import { createCpuRuntime } from '../../core/onnx/cpuRuntime.ts';
import { openModel } from '../../core/models/model.ts';
import { exportModel } from '../../core/export/exportModel.ts';
import { exportBench } from './exportBench.ts';

const [, , modelFolder = '', folder = '', lastStage = ''] = process.argv;
// The size limit of a file, which stands for a full disk, shall be an error of the write and not a signal.
process.on('SIGXFSZ', () => undefined);
const bench = await exportBench(await openModel(modelFolder));
try {
  await exportModel({
    ...bench,
    runtime: createCpuRuntime({ threads: 1 }),
    form: 'embedded',
    folder,
    onWork: ({ stage }) => {
      if (stage === lastStage) process.kill(process.pid, 'SIGKILL');
    },
  });
  console.log('done');
} catch (thrown) {
  const { code, message } = serializeError(thrown);
  console.log(JSON.stringify({ code, message }));
}
