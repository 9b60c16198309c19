"""What errata_edit.py (its path is the first argument) adds for operations of every kind, without torch: plain Python stands in
for the few calls that it makes. Reads a list of {kind, number, f, x, d} and writes the list of gains, both as JSON."""
import importlib.util
import json
import sys
import types


class Tensor:
    """A vector, or a matrix as the list of its rows."""

    def __init__(self, values):
        self.values = values

    def _with(self, other, of):
        others = other.values if isinstance(other, Tensor) else [other] * len(self.values)
        return Tensor([of(a, b) for a, b in zip(self.values, others)])

    def __neg__(self):
        return Tensor([-a for a in self.values])

    def __add__(self, other):
        return self._with(other, lambda a, b: a + b)

    def __sub__(self, other):
        return self._with(other, lambda a, b: a - b)

    def __rsub__(self, other):
        return self._with(other, lambda a, b: b - a)

    def __mul__(self, other):
        return self._with(other, lambda a, b: a * b)

    def __truediv__(self, other):
        return self._with(other, lambda a, b: a / b)

    def __gt__(self, other):
        return self._with(other, lambda a, b: a > b)

    __radd__, __rmul__ = __add__, __mul__

    def __matmul__(self, other):
        rows = self.values if isinstance(self.values[0], list) else [self.values]
        return Tensor([sum(a * b for a, b in zip(row, other.values)) for row in rows])

    def clamp(self, min=float("-inf"), max=float("inf")):
        return Tensor([sorted((min, a, max))[1] for a in self.values])

    def item(self):
        (value,) = self.values
        return value


def stand_in(name, **members):
    sys.modules[name] = types.ModuleType(name)
    sys.modules[name].__dict__.update(members)


stand_in(
    "torch",
    where=lambda on, a, b: Tensor([p if c else q for c, p, q in zip(on.values, a.values, b.values)]),
    zeros_like=lambda like: Tensor([0.0] * len(like.values)),
    full_like=lambda like, value: Tensor([value] * len(like.values)),
)
stand_in("safetensors")
stand_in("safetensors.torch", load_file=None)
stand_in("transformers", AutoModelForCausalLM=None)

spec = importlib.util.spec_from_file_location("errata_edit", sys.argv[1])
errata_edit = importlib.util.module_from_spec(spec)
spec.loader.exec_module(errata_edit)
gains = [
    errata_edit.Edit._gain(None, {"kind": case["kind"], "number": case["number"]}, *(Tensor(case[name]) for name in "fxd"))
    for case in json.load(sys.stdin)
]
print(json.dumps([gain.values for gain in gains]))
