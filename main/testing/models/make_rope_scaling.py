"""Writes ropeScaling.json: frequencies and scales of every way of stretching rotary positions, as transformers computes them,
with the config.json that each belongs to. Needs torch and transformers (5.18).
"""
import json
from pathlib import Path

from transformers import LlamaConfig
from transformers.modeling_rope_utils import ROPE_INIT_FUNCTIONS

FACTORS = {
    "short_factor": [1.0, 1.1, 1.2, 1.3, 1.4, 1.5, 1.6, 1.7],
    "long_factor": [1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0],
}
CASES = {
    "linear": (4096, {"rope_theta": 10000.0, "factor": 4.0}),
    "dynamic": (2048, {"rope_theta": 10000.0, "factor": 4.0}),
    "llama3": (131072, {"rope_theta": 500000.0, "factor": 8.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0,
                        "original_max_position_embeddings": 8192}),
    "yarn": (131072, {"rope_theta": 10000.0, "factor": 4.0, "original_max_position_embeddings": 32768}),
    "yarn, not truncated": (4096, {"rope_theta": 1000000.0, "factor": 16.0, "original_max_position_embeddings": 256,
                                   "truncate": False, "beta_fast": 16.0, "beta_slow": 2.0}),
    "yarn, with mscale": (163840, {"rope_theta": 10000.0, "factor": 40.0, "original_max_position_embeddings": 4096,
                                   "mscale": 0.707, "mscale_all_dim": 1.5}),
    "longrope": (131072, {"rope_theta": 10000.0, "original_max_position_embeddings": 4096, **FACTORS}),
    "longrope, half of a head": (8192, {"rope_theta": 10000.0, "original_max_position_embeddings": 4096,
                                        "partial_rotary_factor": 0.5, "factor": 3.0,
                                        **{name: factors[:4] for name, factors in FACTORS.items()}}),
}


def computed(context, parameters, seq_len):
    kind = parameters["rope_type"]
    config = LlamaConfig(hidden_size=64, num_attention_heads=4, max_position_embeddings=context, rope_parameters=dict(parameters))
    frequencies, scale = ROPE_INIT_FUNCTIONS[kind](config, "cpu", seq_len=seq_len)
    return {"frequencies": frequencies.tolist(), "scale": float(scale)}


cases = {}
for name, (context, parameters) in CASES.items():
    parameters = {"rope_type": name.split(",")[0], **parameters}
    case = {"context": context, "parameters": parameters, **computed(context, parameters, None)}
    if "long_factor" in parameters:
        case["long"] = computed(context, parameters, context)["frequencies"]
    cases[name] = case
path = Path(__file__).with_name("ropeScaling.json")
path.write_text(json.dumps(cases, indent=2) + "\n", encoding="utf-8")
