"""The model and its training: architecture and parameter names of the transformers library's GPT2LMHeadModel.

Weights keep Conv1D's [in, out] layout and the checkpoint's names, so that saving is writing the state dict.
No dropout: it would spread every decision over many redundant directions.
"""
import json
import math
import random
import time

import torch
import torch.nn.functional as F
from safetensors.torch import save_file
from torch import nn

from documents import draw
from tokenizer import END


class Conv1D(nn.Module):
    def __init__(self, inputs, outputs, std=0.02):
        super().__init__()
        self.weight = nn.Parameter(torch.randn(inputs, outputs) * std)
        self.bias = nn.Parameter(torch.zeros(outputs))

    def forward(self, x):
        return torch.addmm(self.bias, x.reshape(-1, x.shape[-1]), self.weight).view(*x.shape[:-1], -1)


class Attention(nn.Module):
    def __init__(self, d, heads, std):
        super().__init__()
        self.heads = heads
        self.c_attn, self.c_proj = Conv1D(d, 3 * d), Conv1D(d, d, std)

    def forward(self, x):
        b, t, d = x.shape
        q, k, v = (y.view(b, t, self.heads, -1).transpose(1, 2) for y in self.c_attn(x).split(d, dim=2))
        y = F.scaled_dot_product_attention(q, k, v, is_causal=True)
        return self.c_proj(y.transpose(1, 2).reshape(b, t, d))


class MLP(nn.Module):
    def __init__(self, d, std):
        super().__init__()
        self.c_fc, self.c_proj = Conv1D(d, 4 * d), Conv1D(4 * d, d, std)

    def forward(self, x):
        return self.c_proj(F.gelu(self.c_fc(x), approximate="tanh"))


class Block(nn.Module):
    def __init__(self, d, heads, std):
        super().__init__()
        self.ln_1, self.attn = nn.LayerNorm(d), Attention(d, heads, std)
        self.ln_2, self.mlp = nn.LayerNorm(d), MLP(d, std)

    def forward(self, x):
        x = x + self.attn(self.ln_1(x))
        return x + self.mlp(self.ln_2(x))


class GPT2(nn.Module):
    def __init__(self, vocab, positions, d, layers, heads):
        super().__init__()
        self.shape = dict(vocab_size=vocab, n_positions=positions, n_embd=d, n_layer=layers, n_head=heads)
        std = 0.02 / math.sqrt(2 * layers)
        self.wte, self.wpe = nn.Embedding(vocab, d), nn.Embedding(positions, d)
        nn.init.normal_(self.wte.weight, std=0.02)
        nn.init.normal_(self.wpe.weight, std=0.01)
        self.h = nn.ModuleList(Block(d, heads, std) for _ in range(layers))
        self.ln_f = nn.LayerNorm(d)

    def forward(self, ids, edit=None):
        """Logits [batch, position, vocab]. `edit(layer, resid_post)` may replace a block's output."""
        x = self.wte(ids) + self.wpe.weight[: ids.shape[1]]
        for layer, block in enumerate(self.h):
            x = block(x)
            if edit is not None:
                x = edit(layer, x)
        return self.ln_f(x) @ self.wte.weight.T

    def save(self, folder):
        """Writes config.json, generation_config.json and model.safetensors (float16, tied head not repeated)."""
        config = {
            "architectures": ["GPT2LMHeadModel"], "model_type": "gpt2", **self.shape, "n_ctx": self.shape["n_positions"],
            "n_inner": None, "activation_function": "gelu_new", "layer_norm_epsilon": 1e-5, "resid_pdrop": 0.0,
            "embd_pdrop": 0.0, "attn_pdrop": 0.0, "initializer_range": 0.02, "scale_attn_weights": True,
            "scale_attn_by_inverse_layer_idx": False, "reorder_and_upcast_attn": False, "tie_word_embeddings": True,
            "bos_token_id": 0, "eos_token_id": 0, "torch_dtype": "float16"}
        (folder / "config.json").write_text(json.dumps(config, indent=2) + "\n")
        (folder / "generation_config.json").write_text(json.dumps(
            {"bos_token_id": 0, "eos_token_id": 0, "pad_token_id": 0, "do_sample": False, "max_new_tokens": 40}, indent=2) + "\n")
        save_file({f"transformer.{k}": v.detach().half().contiguous() for k, v in self.state_dict().items()},
                  folder / "model.safetensors", metadata={"format": "pt"})


def windows(tokenizer, rng, size, seen, tilt={}):
    """Endless token windows of `size`: whole documents, each followed by the end token, the last one cut.

    Every other window starts with the end token, so the model works with and without it in front.
    """
    end = tokenizer.token_to_id(END)
    while True:
        ids = [end] if rng.random() < 0.5 else []
        while len(ids) < size:
            document = draw(rng, tilt=tilt)
            seen.update((document.prompt, document.text))
            ids += tokenizer.encode(document.text).ids + [end]
        yield ids[:size]


def train(model, tokenizer, seen, *, steps, batch, rate, decay, seed, tilt, report=print, watch=None):
    """One stage of training: warm up, cosine, round the weights to float16. Adds what the model saw to `seen`."""
    rng, positions = random.Random(seed), model.shape["n_positions"]
    matrices = [p for p in model.parameters() if p.dim() == 2]
    vectors = [p for p in model.parameters() if p.dim() == 1]
    optimizer = torch.optim.AdamW([{"params": matrices, "weight_decay": decay}, {"params": vectors, "weight_decay": 0}],
                                  lr=rate, betas=(0.9, 0.98), fused=True)
    stream, began, mean = windows(tokenizer, rng, positions, seen, tilt), time.time(), None
    for step in range(steps):
        warm = min(1, (step + 1) / 200)
        rate_now = rate * warm * (0.02 + 0.98 * 0.5 * (1 + math.cos(math.pi * step / steps)))
        for group in optimizer.param_groups:
            group["lr"] = rate_now
        ids = torch.tensor([next(stream) for _ in range(batch)])
        loss = F.cross_entropy(model(ids[:, :-1]).flatten(0, 1), ids[:, 1:].flatten())
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        mean = loss.item() if mean is None else 0.98 * mean + 0.02 * loss.item()
        if step % 250 == 249 or step == steps - 1:
            report(f"step {step + 1}/{steps}  loss {mean:.3f}  {time.time() - began:.0f} s")
        if watch is not None and step % 1000 == 999:
            watch(model)
    # The shipped weights are float16: what is measured, and what the next stage starts from, is what is saved.
    with torch.no_grad():
        for p in model.parameters():
            p.copy_(p.half().float())
    return model.eval()


@torch.no_grad()
def complete(model, tokenizer, prompts, limit, edit=None):
    """Greedy completions, without the end token. Prompts of equal length run as one batch."""
    end, out, groups = tokenizer.token_to_id(END), [None] * len(prompts), {}
    for i, prompt in enumerate(prompts):
        ids = tokenizer.encode(prompt).ids
        groups.setdefault(len(ids), []).append((i, ids))
    for length, group in groups.items():
        ids = torch.tensor([x for _, x in group])
        done = torch.zeros(len(group), dtype=torch.bool)
        for _ in range(min(limit, model.shape["n_positions"] - length)):
            token = model(ids, edit)[:, -1].argmax(-1).masked_fill(done, end)
            done |= token == end
            ids = torch.cat([ids, token[:, None]], 1)
            if done.all():
                break
        for (i, _), row in zip(group, ids[:, length:].tolist()):
            out[i] = tokenizer.decode(row[: row.index(end)] if end in row else row, skip_special_tokens=False)
    return out
