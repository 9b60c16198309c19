// Code that loads an artifact without us: it stands in the artifact's README and in the window, and tests run it as it stands. It is
// to be run in the artifact's folder.
import { isOnnx } from './ladder.ts';
import type { Manifest } from './manifest.ts';

export interface LoadingCode {
  /** What must be installed. */
  readonly title: string;
  /** As a code block of Markdown names it. */
  readonly language: 'python' | 'js';
  readonly code: string;
}

/** Of transformers' ways to compute attention only the eager one soft-caps its scores. */
const SOFT_CAPPED = ['gemma2'];

export function loadingCode({
  form,
  inputs,
  model,
}: Pick<Manifest, 'form' | 'inputs' | 'model'>): readonly LoadingCode[] {
  if (isOnnx(form)) {
    return [
      { title: 'Python, onnxruntime', language: 'python', code: onnxPython(inputs) },
      { title: 'Node, onnxruntime-node', language: 'js', code: onnxNode(inputs) },
    ];
  }
  const load =
    form === 'huggingface'
      ? `from errata_edit import load

model = load()`
      : `from transformers import AutoModelForCausalLM

model = AutoModelForCausalLM.from_pretrained("."${SOFT_CAPPED.includes(model.type) ? ', attn_implementation="eager"' : ''}).eval()`;
  return [
    { title: 'Python, transformers', language: 'python', code: transformersPython(load, form === 'huggingface') },
  ];
}

function onnxPython({ promptLength }: Manifest['inputs']): string {
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

function onnxNode({ promptLength }: Manifest['inputs']): string {
  const extra = promptLength ? ', prompt_length: int64([ids.length], [1])' : '';
  return `import { InferenceSession, Tensor } from 'onnxruntime-node';

const int64 = (values, dims) => new Tensor('int64', BigInt64Array.from(values, BigInt), dims);
const session = await InferenceSession.create('model.onnx');
const ids = [1, 2, 3];
const { logits } = await session.run({ input_ids: int64(ids, [1, ids.length])${extra} });
console.log(logits.dims);
`;
}

function transformersPython(load: string, hasHook: boolean): string {
  const lengths = hasHook
    ? `
# The prompt is what generation begins with. In a single pass over prompt and generated text, say where the prompt ends:
# model.errata.prompt_lengths = [3]
`
    : '';
  return `import torch
${load}
ids = torch.tensor([[1, 2, 3]])  # with a tokenizer: AutoTokenizer.from_pretrained("${hasHook ? 'original' : '.'}")(text, return_tensors="pt").input_ids
with torch.no_grad():
    print(tuple(model(input_ids=ids).logits.shape))
print(model.generate(ids, attention_mask=torch.ones_like(ids), max_new_tokens=16, do_sample=False)[0].tolist())
${lengths}`;
}
