// Programs that run the graphs without us: they stand in the artifact's README and in the window, and tests run them as they are.
import type { Manifest } from '../manifest.ts';

export function onnxPython({ promptLength }: Manifest['inputs']): string {
  const extra = promptLength ? ', "prompt_length": np.array([ids.shape[1]])' : '';
  return `import numpy as np, onnxruntime as ort

session = ort.InferenceSession("model.onnx")
ids = np.array([[1, 2, 3]], dtype=np.int64)  # from tokenizer.json: tokenizers.Tokenizer.from_file("tokenizer.json")
logits = session.run(["logits"], {"input_ids": ids${extra}})[0]
print(logits.shape)

# Generation with the cache
session = ort.InferenceSession("model_with_past.onnx")
inputs = {"left_padding": np.zeros(1, dtype=np.int64)${extra}}
for node in session.get_inputs():
    if node.name.startswith("past_"):
        shape = [{"batch": 1, "past": 0}.get(size, size) for size in node.shape]
        inputs[node.name] = np.zeros(shape, dtype=bool if node.type == "tensor(bool)" else np.float32)
names = [node.name for node in session.get_outputs()]
step = ids
for _ in range(16):
    results = dict(zip(names, session.run(names, {**inputs, "input_ids": step})))
    step = results["logits"][:, -1].argmax(-1)[:, None]
    print(step[0, 0])
    inputs.update({name.replace("present_", "past_"): value for name, value in results.items() if name.startswith("present_")})
`;
}

export function onnxNode({ promptLength }: Manifest['inputs']): string {
  const extra = promptLength ? ', prompt_length: int64([ids.length], [1])' : '';
  return `import { InferenceSession, Tensor } from 'onnxruntime-node';

const int64 = (values, dims) => new Tensor('int64', BigInt64Array.from(values, BigInt), dims);
const session = await InferenceSession.create('model.onnx');
const ids = [1, 2, 3];
const { logits } = await session.run({ input_ids: int64(ids, [1, ids.length])${extra} });
console.log(logits.dims);
`;
}
