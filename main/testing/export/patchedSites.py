"""What errata_edit.py of a folder (the first argument) makes of the activations at the sites of its edit: by torch where it is
installed, else by numpy, which stands in for the few calls that it makes. Reads {tokens, prompt_length, x: {site: rows}} and writes
{site: rows}, both as JSON."""
import importlib.util
import json
import sys
import types
from pathlib import Path

import numpy as np


def stand_in(name, **members):
    sys.modules[name] = types.ModuleType(name)
    sys.modules[name].__dict__.update(members)


class Array(np.ndarray):
    """As much of a torch.Tensor as errata_edit.py asks for, in double precision."""

    device = "cpu"

    def float(self):
        return self.astype(np.float64)

    def to(self, *_, **__):
        return self

    def cumsum(self, dim):
        return np.cumsum(self, axis=dim)

    def sum(self, dim, keepdim):
        return np.sum(np.asarray(self), axis=dim, keepdims=keepdim).view(Array)

    def clamp(self, min=-np.inf, max=np.inf):
        return np.clip(self, min, max)

    def topk(self, k, dim):
        indices = np.argsort(-self, axis=dim, kind="stable").take(range(k), axis=dim)
        return np.take_along_axis(self, indices, axis=dim), indices

    def scatter(self, dim, indices, values):
        result = self.copy()
        np.put_along_axis(result, indices, values, axis=dim)
        return result


def array(values, dtype=np.float64):
    return np.array(values, dtype=dtype).view(Array)


def load_file(path):
    """Tensors of a safetensors file, all float32."""
    content = Path(path).read_bytes()
    start = 8 + int.from_bytes(content[:8], "little")
    tensors = json.loads(content[8:start])
    tensors.pop("__metadata__", None)
    cut = {name: content[start + t["data_offsets"][0] : start + t["data_offsets"][1]] for name, t in tensors.items()}
    return {name: array(np.frombuffer(cut[name], dtype="<f4").reshape(t["shape"])) for name, t in tensors.items()}


try:
    import torch

    def tensor(values, kind=None):
        return torch.tensor(values, dtype=kind or torch.float64)

    torch_load = load_file
    load_file = lambda path: {name: torch.tensor(np.asarray(value)) for name, value in torch_load(path).items()}
except ImportError:
    functions = {name: getattr(np, name) for name in ("zeros_like", "ones_like", "full_like", "exp")}
    stand_in(
        "torch",
        **functions,
        where=lambda *parts: np.where(*parts).view(Array),
        long=np.int64,
        bool=np.bool_,
        relu=lambda a: np.maximum(a, 0),
        zeros=lambda *shape, dtype, device: array(np.zeros(shape), dtype),
        arange=lambda start, end, device: array(np.arange(start, end), np.int64),
        as_tensor=lambda values, device: array(values, np.int64),
    )

    def tensor(values, kind=None):
        return array(values, kind or np.float64)


if "safetensors" not in sys.modules:
    stand_in("safetensors")
stand_in("safetensors.torch", load_file=load_file)
stand_in("transformers", AutoModelForCausalLM=None)

folder = Path(sys.argv[1])
spec = importlib.util.spec_from_file_location("errata_edit", folder / "errata_edit.py")
errata_edit = importlib.util.module_from_spec(spec)
spec.loader.exec_module(errata_edit)

given = json.load(sys.stdin)
edit = errata_edit.Edit(folder)
edit.prompt_lengths = [given["prompt_length"]]
import torch

edit._begin(None, (tensor([given["tokens"]], torch.long),), {})
found = {place["site"]: edit.change(place, tensor([given["x"][place["site"]]]))[0].tolist() for place in edit.places}
print(json.dumps(found))
