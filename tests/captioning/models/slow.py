"""The captioners as plain numpy, a number at a time where it can be: the slow truth."""

import numpy as np

from captioning.models.lstm_captioner import LstmCaptioner


def weights_of(model: LstmCaptioner) -> dict[str, np.ndarray]:
    return {name: value.double().numpy() for name, value in model.state_dict().items()}


def sigmoid(x: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-x))


def linear(w: dict[str, np.ndarray], name: str, x: np.ndarray) -> np.ndarray:
    return x @ w[f"{name}.weight"].T + w[f"{name}.bias"]


def lstm_cell(w, names: tuple[str, str, str, str], x, h, c):
    """One step: gates in the order input, forget, cell, output."""
    w_x, w_h, b_x, b_h = (w[name] for name in names)
    i, f, g, o = np.split(w_x @ x + b_x + w_h @ h + b_h, 4)
    c = sigmoid(f) * c + sigmoid(i) * np.tanh(g)
    return sigmoid(o) * np.tanh(c), c


def projected(w, config, x: np.ndarray) -> np.ndarray:
    if config.projection == "none":
        return x
    x = linear(w, "projection.0", x)
    if config.projection == "linear":
        return x
    x = x - x.mean(-1, keepdims=True)
    x = x / np.sqrt((x**2).mean(-1, keepdims=True) + 1e-5)
    return x * w["projection.1.weight"] + w["projection.1.bias"]


def lstm_logits(model: LstmCaptioner, image: np.ndarray, words: list[int]) -> np.ndarray:
    """(1 + len(words), vocabulary): after the image, and after each word."""
    w, config = weights_of(model), model.config
    n = config.num_layers
    h, c = np.zeros((n, config.hidden_size)), np.zeros((n, config.hidden_size))
    logits = []
    read = [projected(w, config, image), *(w["embedding.weight"][word] for word in words)]
    for x in read:
        for layer in range(n):
            kinds = ("weight_ih", "weight_hh", "bias_ih", "bias_hh")
            names = tuple(f"decoder.lstm.{kind}_l{layer}" for kind in kinds)
            h[layer], c[layer] = lstm_cell(w, names, x, h[layer], c[layer])
            x = h[layer]
        logits.append(linear(w, "output", x))
    return np.array(logits)


def attention_logits(
    model: LstmCaptioner, image: np.ndarray, words: list[int]
) -> tuple[np.ndarray, np.ndarray]:
    """(len(words), vocabulary) after each word, and (len(words), n_tokens) of what is seen."""
    w, config = weights_of(model), model.config
    tokens = np.array([projected(w, config, token) for token in image])
    h = linear(w, "decoder.initial_h", tokens.mean(0))
    c = linear(w, "decoder.initial_c", tokens.mean(0))
    logits, alphas = [], []
    for word in words:
        scores = []
        for token in tokens:
            both = linear(w, "decoder.key", token) + linear(w, "decoder.query", h)
            scores.append(linear(w, "decoder.score", np.maximum(both, 0))[0])
        alpha = np.exp(scores) / np.exp(scores).sum()
        seen = sum(a * token for a, token in zip(alpha, tokens, strict=True))
        gated = sigmoid(linear(w, "decoder.gate", h)) * seen
        kinds = ("weight_ih", "weight_hh", "bias_ih", "bias_hh")
        names = tuple(f"decoder.cell.{kind}" for kind in kinds)
        x = np.concatenate([w["embedding.weight"][word], gated])
        h, c = lstm_cell(w, names, x, h, c)
        logits.append(linear(w, "output", h))
        alphas.append(alpha)
    return np.array(logits), np.array(alphas)
