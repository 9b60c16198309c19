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
from safetensors.torch import save_file as save_torch

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
    path = OUT / "references" / f"{folder.relative_to(OUT)}.safetensors"
    path.parent.mkdir(parents=True, exist_ok=True)
    arrays = {"x": x, "features": features, "reconstruction": reconstruction, **more}
    save_file({name: np.ascontiguousarray(array, dtype=np.float32) for name, array in arrays.items()}, path)


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


# ---- SAELens: sae.py, {standard,gated,jumprelu,topk}_sae.py, pretrained_sae_loaders.handle_pre_6_0_config ----------------


def sae_lens(name, cfg, arrays, x, features, decoder, bias):
    folder = folder_of(f"saelens/{name}")
    save_file({key: np.ascontiguousarray(value) for key, value in arrays.items()}, folder / "sae_weights.safetensors")
    (folder / "cfg.json").write_text(json.dumps(cfg, indent=1) + "\n")
    reference(folder, x, features, decoder, bias)


def write_sae_lens():
    x = normal(TOKENS, D)
    wide = x.astype(np.float64)
    meta = {"sae_lens_version": "6.12.1", "model_name": "sample", "hook_name": "blocks.1.hook_resid_post", "prepend_bos": True, "context_size": 128}
    common = {"d_in": D, "d_sae": N, "dtype": "float32", "device": "cpu", "normalize_activations": "none", "reshape_activations": "none"}

    w_enc, w_dec, b_enc, b_dec = arrays()
    cfg = {**common, "apply_b_dec_to_input": False, "metadata": meta, "architecture": "standard"}
    tensors = {"W_enc": w_enc, "W_dec": w_dec, "b_enc": b_enc, "b_dec": b_dec}
    sae_lens("standard", cfg, tensors, x, relu(wide @ w_enc + b_enc), w_dec, b_dec)

    w_enc, w_dec, b_gate, b_dec = arrays()
    b_mag, r_mag = normal(N, scale=0.2), normal(N, scale=0.3)
    shifted = wide - b_dec
    features = (shifted @ w_enc + b_gate > 0) * relu(shifted @ (w_enc * np.exp(r_mag)) + b_mag)
    cfg = {**common, "apply_b_dec_to_input": True, "metadata": meta, "architecture": "gated"}
    tensors = {"W_enc": w_enc, "W_dec": w_dec, "b_gate": b_gate, "b_mag": b_mag, "r_mag": r_mag, "b_dec": b_dec}
    sae_lens("gated", cfg, tensors, x, features, w_dec, b_dec)

    w_enc, w_dec, b_enc, b_dec = arrays()
    threshold = normal(N, scale=0.4)  # some below 0: then relu decides
    pre = (wide - b_dec) @ w_enc + b_enc
    cfg = {**common, "apply_b_dec_to_input": True, "metadata": meta, "architecture": "jumprelu"}
    tensors = {"W_enc": w_enc, "W_dec": w_dec, "b_enc": b_enc, "b_dec": b_dec, "threshold": threshold}
    sae_lens("jumprelu", cfg, tensors, x, relu(pre) * (pre > relu(threshold)), w_dec, b_dec)
    del tensors["threshold"]
    log_threshold = np.log(np.abs(threshold) + 0.05).astype(np.float32)
    features = relu(pre) * (pre > np.exp(log_threshold.astype(np.float64)))
    sae_lens("jumprelu-checkpoint", cfg, {**tensors, "log_threshold": log_threshold}, x, features, w_dec, b_dec)

    w_enc, w_dec, b_enc, b_dec = arrays()
    norms = np.linalg.norm(w_dec.astype(np.float64), axis=1)
    scores = relu((wide - b_dec) @ w_enc + b_enc) * norms
    cfg = {**common, "apply_b_dec_to_input": True, "k": K, "rescale_acts_by_decoder_norm": True, "metadata": meta, "architecture": "topk"}
    tensors = {"W_enc": w_enc, "W_dec": w_dec, "b_enc": b_enc, "b_dec": b_dec}
    sae_lens("topk-rescaled", cfg, tensors, x, largest(scores, K), (w_dec / norms[:, None]), b_dec)

    w_enc, w_dec, b_enc, b_dec = arrays()
    old = {"d_in": D, "d_sae": N, "dtype": "torch.float32", "model_name": "sample", "hook_point": "blocks.1.hook_resid_pre", "hook_point_layer": 1}
    cfg = {**old, "hook_point_head_index": None, "activation_fn_str": "topk", "activation_fn_kwargs": {"k": K}, "normalize_activations": False}
    tensors = {"W_enc": w_enc, "W_dec": w_dec, "b_enc": b_enc, "b_dec": b_dec, "scaling_factor": np.ones(N, np.float32)}
    sae_lens("before-6-topk", cfg, tensors, x, largest(relu((wide - b_dec) @ w_enc + b_enc), K), w_dec, b_dec)


# ---- Gemma Scope 1 and 2, sparsify, OpenAI, Llama Scope, Goodfire, Qwen-Scope -------------------------------------------


def write_others():
    x = normal(TOKENS, D)
    wide = x.astype(np.float64)

    w_enc, w_dec, b_enc, b_dec = arrays()
    threshold = np.abs(normal(N, scale=0.4))
    pre = wide @ w_enc + b_enc
    jumped = pre * (pre > threshold)
    folder = folder_of("gemma_scope/gemma-scope-2b-pt-res/layer_1/width_40/average_l0_9")
    np.savez(folder / "params.npz", W_enc=w_enc, W_dec=w_dec, b_enc=b_enc, b_dec=b_dec, threshold=threshold)
    reference(folder, x, jumped, w_dec, b_dec)
    folder = folder_of("gemma_scope_2/resid_post/layer_1_width_40_l0_small")
    lower = {"w_enc": w_enc, "w_dec": w_dec, "b_enc": b_enc, "b_dec": b_dec, "threshold": threshold}
    save_file(lower, folder / "params.safetensors")
    (folder / "config.json").write_text(json.dumps({"model_name": "sample", "l0": 9}) + "\n")
    reference(folder, x, jumped, w_dec, b_dec)
    folder = folder_of("gemma_scope_2/transcoder/layer_1_width_40_l0_small_affine")
    save_file({**lower, "affine_skip_connection": normal(D, D)}, folder / "params.safetensors")

    # Stored in bfloat16: what the arrays are after rounding is what counts.
    bf16 = lambda array: torch.from_numpy(np.ascontiguousarray(array)).bfloat16()
    exact = lambda array: bf16(array).float().numpy()
    for activation in ("topk", "groupmax"):
        w_enc, w_dec, b_enc, b_dec = (exact(each) for each in arrays())
        post = relu((wide - b_dec) @ w_enc + b_enc)
        grouped = post.reshape(TOKENS, K, N // K)
        firsts = grouped.argmax(-1)[..., None] == np.arange(N // K)
        features = largest(post, K) if activation == "topk" else (grouped * firsts).reshape(TOKENS, N)
        folder = folder_of(f"sparsify/{activation}/layers.1")
        stored = {"encoder.weight": bf16(w_enc.T), "encoder.bias": bf16(b_enc), "W_dec": bf16(w_dec), "b_dec": bf16(b_dec)}
        save_torch(stored, folder / "sae.safetensors")
        cfg = {"activation": activation, "expansion_factor": 32, "normalize_decoder": True, "num_latents": N, "k": K, "multi_topk": activation == "topk"}
        (folder / "cfg.json").write_text(json.dumps({**cfg, "skip_connection": False, "transcode": False, "d_in": D}) + "\n")
        reference(folder, x, features, w_dec, b_dec)

    w_enc, w_dec, b_enc, b_dec = arrays()
    state = tensors(pre_bias=b_dec, latent_bias=b_enc, stats_last_nonzero=np.zeros(N, np.int64), encoder__weight=w_enc.T, decoder__weight=w_dec.T)
    folder = folder_of("openai/relu")
    torch.save({**state, "activation": "ReLU", "activation_state_dict": OrderedDict()}, folder / "1.pt")
    reference(folder, x, relu((wide - b_dec) @ w_enc + b_enc), w_dec, b_dec)
    torch.save({**state, "activation": "TopK", "activation_state_dict": {"k": K, "postact_fn": "ReLU"}}, folder_of("openai/topk") / "1.pt")

    # In the project's own terms: x times its factor, encoded, decoded, divided by the factor.
    w_enc, w_dec, b_enc, b_dec = arrays()
    norms = {"in": 2.5, "out": 2.5}
    scale = D**0.5 / norms["in"]
    theta = 0.3
    raw = wide @ w_enc + b_enc / scale  # after standardize_parameters_of_dataset_norm
    features = raw * (raw > theta)
    folder = folder_of("llama_scope/L1R-1x/checkpoints")
    stored = {"encoder.weight": w_enc.T, "encoder.bias": b_enc, "decoder.weight": w_dec.T, "decoder.bias": b_dec}
    save_file({name: np.ascontiguousarray(value) for name, value in stored.items()}, folder / "final.safetensors")
    hyper = {"d_model": D, "d_sae": N, "act_fn": "jumprelu", "jump_relu_threshold": theta, "norm_activation": "dataset-wise"}
    hyper |= {"dataset_average_activation_norm": norms, "apply_decoder_bias_to_pre_encoder": False}
    hyper |= {"hook_point_in": "blocks.1.hook_resid_post", "hook_point_out": "blocks.1.hook_resid_post"}
    (folder.parent / "hyperparams.json").write_text(json.dumps(hyper) + "\n")
    reference(folder, x, features, w_dec, b_dec / scale)

    w_enc, w_dec, b_enc, b_dec = arrays()
    state = tensors(encoder_linear__weight=w_enc.T, encoder_linear__bias=b_enc, decoder_linear__weight=w_dec.T, decoder_linear__bias=b_dec)
    folder = folder_of("goodfire/tiny-SAE-l1")
    torch.save(state, folder / "tiny-SAE-l1.pth")
    post = relu(wide @ w_enc + b_enc)
    reference(folder, x, post, w_dec, b_dec)

    folder = folder_of("qwen_scope/tiny-L0_5")
    torch.save(tensors(W_enc=w_enc.T, W_dec=w_dec.T, b_enc=b_enc, b_dec=b_dec), folder / "layer1.sae.pt")
    reference(folder, x, largest(post, K), w_dec, b_dec)

    folder = folder_of("circuit_tracer/set")
    save_file({"W_enc": np.ascontiguousarray(w_enc.T), "W_dec": w_dec, "b_enc": b_enc, "b_dec": b_dec, "activation_function.threshold": threshold}, folder / "layer_0.safetensors")
    folder = folder_of("crosscoder/two-models")
    torch.save(tensors(W_enc=normal(2, D, N), W_dec=normal(N, 2, D), b_enc=b_enc, b_dec=normal(2, D)), folder / "cc.pt")


write_dictionary_learning()
write_sae_lens()
write_others()
