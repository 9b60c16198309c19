"""Where transformers has the values of a model's sites: finds them by comparing. Reads a JSON object {name: folder}; each folder
holds a checkpoint, tokens.json and sites.safetensors with the values that Errata's graph gives. Prints one line per site:
every module that is given this value (input) or returns it (output), in the order in which transformers names its modules.
"""
import json
import sys
from pathlib import Path

import torch
from safetensors.torch import load_file
from transformers import AutoModelForCausalLM

CLOSE = 1e-3  # values are of order 1 to 10; single precision differs by 1e-5, another place by 0.1 and more


def tensor_of(value):
    first = value[0] if isinstance(value, tuple) and value else value
    return first.detach().clone() if isinstance(first, torch.Tensor) and first.is_floating_point() else None


def places(folder):
    config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    options = {"attn_implementation": "eager"} if config.get("attn_logit_softcapping") else {}
    model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32, **options).eval()
    seen = {}

    def watch(name, module):
        def before(_, args, kwargs):
            seen[f"input of {name}"] = tensor_of(args if args else kwargs.get("hidden_states"))

        def after(_, args, output):
            seen[f"output of {name}"] = tensor_of(output)

        module.register_forward_pre_hook(before, with_kwargs=True)
        module.register_forward_hook(after)

    for name, module in model.named_modules():
        if name:
            watch(name, module)
    with torch.no_grad():
        model(input_ids=torch.tensor([json.loads((folder / "tokens.json").read_text(encoding="utf-8"))]), use_cache=False)
    order = [f"{at} of {name}" for name, _ in model.named_modules() for at in ("input", "output")]
    for site, value in sorted(load_file(folder / "sites.safetensors").items()):
        same = [
            place
            for place in order
            if seen.get(place) is not None
            and seen[place].numel() == value.numel()
            and (seen[place].reshape(value.shape) - value).abs().max().item() < CLOSE
        ]
        yield site, same


for name, folder in json.load(sys.stdin).items():
    print(name)
    for site, same in places(Path(folder)):
        print(f"  {site}: {', '.join(same) or 'nowhere'}")
