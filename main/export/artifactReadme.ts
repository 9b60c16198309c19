// README.md of an artifact: what it is, and how to run it in Python and Node.
import type { EditEffect, Equivalence } from './equivalence.ts';
import type { Manifest } from './manifest.ts';

const WEIGHTS: Readonly<Record<Manifest['form'], string>> = {
  embedded: 'The weights are in the `.onnx` files, or in `model.onnx_data` beside them.',
  referenced:
    'The weights are the files of the original model (hard links to them, or copies). They are *not* patched: the edit is in the graphs.',
};

export function artifactReadme(
  manifest: Omit<Manifest, 'id' | 'format' | 'files'>,
  report: {
    readonly equivalence: Equivalence;
    readonly effect: EditEffect;
    readonly warnings: readonly string[];
  },
): string {
  const { model, edit, inputs, form } = manifest;
  const { equivalence, effect } = report;
  const operations = edit.operations.map((operation, index) => {
    const { site, dictionary, feature, scope, gates, kind, ...amount } = operation;
    const number = Object.values(amount)[0];
    const gate = gates.map((one) => `${one.feature} > ${one.threshold}`).join(' or ');
    const where = [scope.positions, ...(gate === '' ? [] : [`where feature ${gate}`])].join(', ');
    const badge = manifest.exactness[index]?.badge ?? '';
    return `| ${kind}${number === undefined ? '' : ` ${number}`} | ${feature} | ${site} | ${dictionary.slice(0, 10)} | ${where} | ${badge} |`;
  });
  const extra = [
    ...(inputs.promptLength ? ['`prompt_length` int64 `[batch]`: tokens of each prompt.'] : []),
    ...inputs.states.map(
      ({ name, operations: count }) =>
        `\`past_${name}\` bool \`[${count}, batch, 1]\` (model_with_past.onnx): all false at first, then the output \`present_${name}\` of the last run.`,
    ),
  ];
  const extraPython = inputs.promptLength ? ', "prompt_length": np.array([ids.shape[1]])' : '';
  const extraNode = inputs.promptLength ? `, prompt_length: int64([ids.length], [1])` : '';
  return `# A patched model

Written by Errata ${manifest.tool.version}. ${model.type}, model ${model.hash.slice(0, 10)}, edit ${edit.id.slice(0, 10)}. The edit is part of the graphs: nothing else is needed to run it.

| operation | feature | site | dictionary | where | exactness |
| --- | --- | --- | --- | --- | --- |
${operations.join('\n')}

## Files
- \`model.onnx\`: \`input_ids\` int64 \`[batch, time]\` → \`logits\` float32 \`[batch, time, ${model.vocabularySize}]\`. Pad short rows on the right.
- \`model_with_past.onnx\`: the same with a key-value cache, for generation. Pad short rows on the left; \`left_padding\` int64 \`[batch]\` says by how much.${extra.map((line) => `\n- also: ${line}`).join('')}
- ${WEIGHTS[form]}
- \`manifest.json\` (hashes of everything), \`equivalence.json\` (the report below), \`reference.safetensors\` (what the workbench gave). Check them at any time: \`errata verify FOLDER\`.

## Verified
Loaded afresh from these files and compared with the model in the workbench on ${equivalence.logits.positions} positions: max |Δlogit| ${equivalence.logits.maxAbsLogitDiff.toExponential(2)} (standard deviation of the logits: ${equivalence.logits.logitStd.toPrecision(3)}), mean KL ${equivalence.logits.meanKl.toExponential(2)} nats; greedy texts of ${equivalence.greedy.prompts} × ${equivalence.greedy.newTokens} tokens agree in ${(100 * equivalence.greedy.agreement).toFixed(2)}%.
The edit itself changes the logits there by up to ${effect.logits.maxAbsLogitDiff.toPrecision(3)}, mean KL ${effect.logits.meanKl.toPrecision(3)} nats; ${(100 * effect.greedyAgreement).toFixed(1)}% of the greedy tokens stay the same.
${report.warnings.map((warning) => `\n**${warning}**\n`).join('')}
## Python
\`\`\`python
import numpy as np, onnxruntime as ort

session = ort.InferenceSession("model.onnx")
ids = np.array([[1, 2, 3]], dtype=np.int64)  # from tokenizer.json: tokenizers.Tokenizer.from_file("tokenizer.json")
logits = session.run(["logits"], {"input_ids": ids${extraPython}})[0]

# Generation with the cache
session = ort.InferenceSession("model_with_past.onnx")
inputs = {"left_padding": np.zeros(1, dtype=np.int64)${extraPython}}
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
\`\`\`

## Node
\`\`\`js
import { InferenceSession, Tensor } from 'onnxruntime-node';

const int64 = (values, dims) => new Tensor('int64', BigInt64Array.from(values, BigInt), dims);
const session = await InferenceSession.create('model.onnx');
const ids = [1, 2, 3];
const { logits } = await session.run({ input_ids: int64(ids, [1, ids.length])${extraNode} });
console.log(logits.dims);
\`\`\`
`;
}
