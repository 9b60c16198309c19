"""How check.py loads ONNX graphs: the text once, or token by token with the cache."""
from pathlib import Path

import numpy as np
import onnxruntime

FOLDER = Path(__file__).resolve().parent


class Model:
    def __init__(self):
        self.whole = onnxruntime.InferenceSession(str(FOLDER / "model.onnx"), providers=["CPUExecutionProvider"])
        self.cached = onnxruntime.InferenceSession(str(FOLDER / "model_with_past.onnx"), providers=["CPUExecutionProvider"])

    def logits(self, ids, prompt_length):
        names = [node.name for node in self.whole.get_inputs()]
        inputs = {"input_ids": ids[None], "prompt_length": np.array([prompt_length])}
        return self.whole.run(["logits"], {name: inputs[name] for name in names})[0][0]

    def greedy(self, ids, count):
        inputs = {"left_padding": np.zeros(1, dtype=np.int64), "prompt_length": np.array([len(ids)])}
        for node in self.cached.get_inputs():
            if node.name.startswith("past_"):
                shape = [{"batch": 1, "past": 0}.get(size, size) for size in node.shape]
                inputs[node.name] = np.zeros(shape, dtype=bool if node.type == "tensor(bool)" else np.float32)
        wanted = {node.name for node in self.cached.get_inputs()}
        names = [node.name for node in self.cached.get_outputs()]
        step, found = ids[None], []
        for _ in range(count):
            feeds = {name: value for name, value in {**inputs, "input_ids": step}.items() if name in wanted}
            results = dict(zip(names, self.cached.run(names, feeds)))
            step = results["logits"][:, -1].argmax(-1)[:, None]
            found.append(int(step[0, 0]))
            inputs.update({n.replace("present_", "past_"): v for n, v in results.items() if n.startswith("present_")})
        return found


VERSIONS = {"onnxruntime": onnxruntime.__version__}
