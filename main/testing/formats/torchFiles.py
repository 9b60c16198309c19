"""Writes the .pt files in torch/ by PyTorch itself: the independent writer that torchFile.test.ts reads.

    python main/testing/formats/torchFiles.py

Values are i/8 − 1 for i = 0, 1, …, which every floating type holds exactly. Needs torch; recorded with torch 2.13.
"""

import os
import pickle
from collections import OrderedDict
from pathlib import Path

import torch

OUT = Path(__file__).parent / "torch"
OUT.mkdir(exist_ok=True)


def values(*shape, dtype=torch.float32):
    count = 1
    for size in shape:
        count *= size
    return (torch.arange(count, dtype=torch.float64) / 8 - 1).reshape(shape).to(dtype)


def state():
    linear = torch.nn.Linear(3, 5)
    linear.weight.data = values(5, 3)
    linear.bias.data = values(5)
    weights = OrderedDict(linear.state_dict())
    weights["transposed"] = values(4, 6).T  # a view: strides (1, 6)
    weights["part"] = values(10)[2:7]  # of a storage that is larger
    weights["every second"] = values(10)[::2]
    weights["k"] = torch.tensor(32, dtype=torch.int32)
    weights["empty"] = torch.empty(0)
    weights["parameter"] = torch.nn.Parameter(values(2, 2))
    return weights


def typed():
    floats = {str(t).removeprefix("torch."): values(6, dtype=t) for t in (torch.float64, torch.float32, torch.float16, torch.bfloat16)}
    whole = {str(t).removeprefix("torch."): torch.tensor([0, 1, 2, 100], dtype=t) for t in (torch.int64, torch.int32, torch.int16, torch.int8, torch.uint8)}
    return {**floats, **whole, "bool": torch.tensor([True, False]), "uint16": torch.tensor([1, 65535], dtype=torch.uint16)}


nested = {
    "model": state(),
    "cfg": {"k": 32, "name": "späte Blüte", "lr": 1e-3, "layers": [3, 4], "size": torch.Size([5, 3]), "big": 2**70, "none": None, "flag": True},
    "device": torch.device("cpu"),
    "dtype": torch.bfloat16,
}

torch.save(state(), OUT / "state.pt")
torch.save(state(), OUT / "state-legacy.pt", _use_new_zipfile_serialization=False)
torch.save(typed(), OUT / "types.pt")
torch.save(nested, OUT / "nested.pt")
torch.save(nested, OUT / "nested-protocol-4.pt", pickle_protocol=4)
torch.save(torch.nn.Linear(3, 5), OUT / "whole-module.pt")


class Attack:
    def __reduce__(self):
        return os.system, ("echo this must never run > /tmp/errata-attack",)


torch.save({"encoder.weight": values(2, 2), "attack": Attack()}, OUT / "attack.pt")
torch.save({"encoder.weight": values(2, 2), "attack": Attack()}, OUT / "attack-legacy.pt", _use_new_zipfile_serialization=False)
(OUT / "attack.pickle").write_bytes(pickle.dumps(Attack(), protocol=2))
