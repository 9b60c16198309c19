"""Writes small dictionaries in the layouts of the field, with what they compute: the independent writer of importDictionary.test.ts.

    python main/testing/dictionaries/layouts/write.py

Each folder gets the layout's own files; references/ has for each x [tokens, d], features [tokens, n] and reconstruction
[tokens, d], computed in float64 from the arrays as the layout's project defines them, by the formulas below and none of ours.
Needs torch, numpy, safetensors; recorded with torch 2.13.
"""

import json
from collections import OrderedDict
from pathlib import Path

import numpy as np
import torch
from safetensors.numpy import save_file

OUT = Path(__file__).parent
D, N, TOKENS, K = 12, 40, 24, 5
rng = np.random.default_rng(16)


def normal(*shape, scale=1.0):
    return (rng.standard_normal(shape) * scale).astype(np.float32)


def arrays():
    """W_enc [d, n], W_dec [n, d] with rows of different norms, b_enc, b_dec."""
    return normal(D, N, scale=D**-0.5), normal(N, D, scale=0.4), normal(N, scale=0.2), normal(D, scale=0.5)


def largest(post, k):
    kept = np.zeros_like(post)
    for row, out in zip(post, kept):
        best = np.argsort(-row, kind="stable")[:k]
        out[best] = row[best]
    return kept


def reference(folder, x, features, decoder, bias, **more):
    reconstruction = features @ decoder.astype(np.float64) + bias
    path = OUT / "references" / folder.relative_to(OUT).with_suffix(".safetensors")
    path.parent.mkdir(parents=True, exist_ok=True)
    arrays = {"x": x, "features": features, "reconstruction": reconstruction, **more}
    save_file({name: np.ascontiguousarray(array, dtype=np.float64) for name, array in arrays.items()}, path)


def folder_of(name):
    folder = OUT / name
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def tensors(**values):
    return OrderedDict((name.replace("__", "."), torch.from_numpy(np.array(value))) for name, value in values.items())


def relu(x):
    return np.maximum(x, 0)


# ---- dictionary_learning: dictionary.py and trainers/{top_k,batch_top_k,matryoshka_batch_top_k}.py --------------------


def dictionary_learning(name, dict_class, state, x, features, decoder, bias, config=True, **trainer):
    folder = folder_of(f"dictionary_learning/{name}")
    torch.save(state, folder / "ae.pt")
    if config:
        facts = {"dict_class": dict_class, "activation_dim": D, "dict_size": N, "layer": 1, "lm_name": "sample", **trainer}
        text = {"trainer": {"submodule_name": "resid_post_layer_1", **facts}, "buffer": {"ctx_len": 128}}
        (folder / "config.json").write_text(json.dumps(text, indent=1) + "\n")
    reference(folder, x, features, decoder, bias)


def write_dictionary_learning():
    x = normal(TOKENS, D)
    wide = x.astype(np.float64)

    w_enc, w_dec, b_enc, b_dec = arrays()
    state = tensors(bias=b_dec, encoder__weight=w_enc.T, encoder__bias=b_enc, decoder__weight=w_dec.T)
    dictionary_learning("standard", "AutoEncoder", state, x, relu((wide - b_dec) @ w_enc + b_enc), w_dec, b_dec)

    w_enc, w_dec, b_enc, b_dec = arrays()
    state = tensors(encoder__weight=w_enc.T, encoder__bias=b_enc, decoder__weight=w_dec.T, decoder__bias=b_dec)
    dictionary_learning("standard-new", "AutoEncoderNew", state, x, relu(wide @ w_enc + b_enc), w_dec, b_dec)

    w_enc, w_dec, gate_bias, b_dec = arrays()
    r_mag, mag_bias = normal(N, scale=0.3), normal(N, scale=0.2)
    shared = (wide - b_dec) @ w_enc
    features = (shared + gate_bias > 0) * relu(np.exp(r_mag) * shared + mag_bias)
    state = tensors(decoder_bias=b_dec, encoder__weight=w_enc.T, r_mag=r_mag, gate_bias=gate_bias, mag_bias=mag_bias, decoder__weight=w_dec.T)
    dictionary_learning("gated", "GatedAutoEncoder", state, x, features, w_dec, b_dec)

    w_enc, w_dec, b_enc, b_dec = arrays()
    threshold = np.abs(normal(N, scale=0.4))
    pre = wide @ w_enc + b_enc  # b_dec is not subtracted
    state = tensors(W_enc=w_enc, b_enc=b_enc, W_dec=w_dec, b_dec=b_dec, threshold=threshold)
    dictionary_learning("jumprelu", "JumpReluAutoEncoder", state, x, pre * (pre > threshold), w_dec, b_dec)

    w_enc, w_dec, b_enc, b_dec = arrays()
    state = lambda threshold: tensors(
        b_dec=b_dec, k=np.int32(K), threshold=np.float32(threshold), decoder__weight=w_dec.T, encoder__weight=w_enc.T, encoder__bias=b_enc
    )
    post = relu((wide - b_dec) @ w_enc + b_enc)
    dictionary_learning("topk", "AutoEncoderTopK", state(0.7), x, largest(post, K), w_dec, b_dec, k=K)
    dictionary_learning("topk-without-config", "AutoEncoderTopK", state(0.7), x, largest(post, K), w_dec, b_dec, config=False)
    bar = np.float64(np.float32(0.9))
    dictionary_learning("batchtopk", "BatchTopKSAE", state(0.9), x, post * (post > bar), w_dec, b_dec, k=K)
    dictionary_learning("batchtopk-unset", "BatchTopKSAE", state(-1), x, largest(post, K), w_dec, b_dec, k=K)

    state = tensors(
        k=np.int32(K), threshold=np.float32(0.9), group_sizes=np.array([8, 32]), W_enc=w_enc, b_enc=b_enc, W_dec=w_dec, b_dec=b_dec
    )
    dictionary_learning("matryoshka", "MatryoshkaBatchTopKSAE", state, x, post * (post > bar), w_dec, b_dec, k=K)


write_dictionary_learning()
