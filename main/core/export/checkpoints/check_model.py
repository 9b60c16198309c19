"""How check.py loads a folder that transformers loads: a plain checkpoint, or one with errata_edit.py."""
from pathlib import Path

import torch
import transformers

FOLDER = Path(__file__).resolve().parent


def load_model():
    if (FOLDER / "errata_edit.py").exists():
        from errata_edit import load

        return load()
    options = {}
    if getattr(transformers.AutoConfig.from_pretrained(FOLDER), "attn_logit_softcapping", None):
        options["attn_implementation"] = "eager"  # the others leave the soft-capping out
    return transformers.AutoModelForCausalLM.from_pretrained(FOLDER, **options).eval()


class Model:
    def __init__(self):
        self.model = load_model()

    @torch.no_grad()
    def logits(self, ids, prompt_length):
        if hasattr(self.model, "errata"):
            self.model.errata.prompt_lengths = [prompt_length]
        return self.model(input_ids=torch.tensor(ids[None]), use_cache=False).logits[0].float().numpy()

    @torch.no_grad()
    def greedy(self, ids, count):
        if hasattr(self.model, "errata"):
            self.model.errata.prompt_lengths = None
        step, past, found = torch.tensor(ids[None]), None, []
        for _ in range(count):
            out = self.model(input_ids=step, past_key_values=past, use_cache=True)
            past, step = out.past_key_values, out.logits[:, -1].argmax(-1, keepdim=True)
            found.append(int(step))
        return found


VERSIONS = {"torch": torch.__version__, "transformers": transformers.__version__}
