"""Every optimizer's formula in plain NumPy, for one array: what the tests of steps compare with.

Each is ``rule(options) -> step(x, g, t, state) -> x``: `t` counts from 1, `state` is a dict that starts empty.
"""

import numpy as np


def _grad(x, g, o):
    g = -g if o.get("maximize") else g
    return g if o.get("decoupled") else g + o.get("weight_decay", 0) * x


def _decay(x, o):
    return x * (1 - o["lr"] * o.get("weight_decay", 0)) if o.get("decoupled") else x


def _mean(state, name, value, beta, start=0.0):
    state[name] = beta * state.get(name, start) + (1 - beta) * value
    return state[name]


def sgd(x, g, t, state, o):
    g, momentum = _grad(x, g, o), o.get("momentum", 0)
    if momentum:
        old = state.get("buffer")
        state["buffer"] = g if old is None else momentum * old + (1 - o.get("dampening", 0)) * g
        g = g + momentum * state["buffer"] if o.get("nesterov") else state["buffer"]
    return x - o["lr"] * g


def adam(x, g, t, state, o):
    b1, b2 = o.get("betas", (0.9, 0.999))
    g, x = _grad(x, g, o), _decay(x, o)
    m, v = _mean(state, "m", g, b1), _mean(state, "v", g * g, b2)
    if o.get("amsgrad"):
        v = state["top"] = np.maximum(state.get("top", 0.0), v)
    return x - o["lr"] * (m / (1 - b1**t)) / (np.sqrt(v / (1 - b2**t)) + o.get("eps", 1e-8))


def adamw(x, g, t, state, o):
    return adam(x, g, t, state, {"weight_decay": 0.01, **o, "decoupled": True})


def adamax(x, g, t, state, o):
    b1, b2 = o.get("betas", (0.9, 0.999))
    g = _grad(x, g, o)
    m = _mean(state, "m", g, b1)
    state["u"] = np.maximum(b2 * state.get("u", 0.0), np.abs(g) + o.get("eps", 1e-8))
    return x - o["lr"] / (1 - b1**t) * m / state["u"]


def nadam(x, g, t, state, o):
    b1, b2 = o.get("betas", (0.9, 0.999))
    decay = o.get("momentum_decay", 4e-3)
    o = {**o, "decoupled": o.get("decoupled_weight_decay")}
    g, x = _grad(x, g, o), _decay(x, o)
    mu, following = (b1 * (1 - 0.5 * 0.96 ** (k * decay)) for k in (t, t + 1))
    product = state["product"] = state.get("product", 1.0) * mu
    m, v = _mean(state, "m", g, b1), _mean(state, "v", g * g, b2)
    look_ahead = (1 - mu) / (1 - product) * g + following / (1 - product * following) * m
    return x - o["lr"] * look_ahead / (np.sqrt(v / (1 - b2**t)) + o.get("eps", 1e-8))


def radam(x, g, t, state, o):
    b1, b2 = o.get("betas", (0.9, 0.999))
    o = {**o, "decoupled": o.get("decoupled_weight_decay")}
    g, x = _grad(x, g, o), _decay(x, o)
    m, v = _mean(state, "m", g, b1), _mean(state, "v", g * g, b2)
    limit = 2 / (1 - b2) - 1
    length = limit - 2 * t * b2**t / (1 - b2**t)
    update = m / (1 - b1**t)
    if length > 5:
        r = ((length - 4) * (length - 2) * limit / ((limit - 4) * (limit - 2) * length)) ** 0.5
        update = update * r * (1 - b2**t) ** 0.5 / (np.sqrt(v) + o.get("eps", 1e-8))
    return x - o["lr"] * update


def adagrad(x, g, t, state, o):
    g = _grad(x, g, o)
    state["sum"] = state.get("sum", o.get("initial_accumulator_value", 0.0)) + g * g
    return x - o["lr"] / (1 + (t - 1) * o.get("lr_decay", 0)) * g / (np.sqrt(state["sum"]) + o.get("eps", 1e-10))


def adadelta(x, g, t, state, o):
    rho, eps = o.get("rho", 0.9), o.get("eps", 1e-6)
    g = _grad(x, g, o)
    v = _mean(state, "v", g * g, rho)
    delta = np.sqrt(state.get("d", 0.0) + eps) / np.sqrt(v + eps) * g
    _mean(state, "d", delta * delta, rho)
    return x - o["lr"] * delta


def rmsprop(x, g, t, state, o):
    alpha = o.get("alpha", 0.99)
    g = _grad(x, g, o)
    v = _mean(state, "v", g * g, alpha)
    if o.get("centered"):
        v = v - _mean(state, "mean", g, alpha) ** 2
    update = g / (np.sqrt(v) + o.get("eps", 1e-8))
    if o.get("momentum"):
        update = state["buffer"] = o["momentum"] * state.get("buffer", 0.0) + update
    return x - o["lr"] * update


def rprop(x, g, t, state, o):
    (shrink, grow), (least, most) = o.get("etas", (0.5, 1.2)), o.get("step_sizes", (1e-6, 50))
    g = _grad(x, g, o)
    agree = g * state.get("before", 0.0)
    factor = np.where(agree > 0, grow, np.where(agree < 0, shrink, 1.0))
    state["size"] = np.clip(state.get("size", o["lr"]) * factor, least, most)
    state["before"] = np.where(agree < 0, 0.0, g)
    return x - np.sign(state["before"]) * state["size"]


def asgd(x, g, t, state, o):
    lambd, alpha, t0 = o.get("lambd", 1e-4), o.get("alpha", 0.75), o.get("t0", 1e6)
    eta, mu = state.get("eta", o["lr"]), state.get("mu", 1.0)
    g = _grad(x, g, o)
    x = x * (1 - lambd * eta) - eta * g
    state["ax"] = state.get("ax", 0.0) + mu * (x - state.get("ax", 0.0))
    state["eta"] = o["lr"] / (1 + lambd * o["lr"] * t) ** alpha
    state["mu"] = 1 / max(1, t - t0)
    return x


def adafactor(x, g, t, state, o):
    eps1, eps2 = o.get("eps", (None, 1e-3))
    eps1 = np.finfo(x.dtype).eps if eps1 is None else eps1
    g = -g if o.get("maximize") else g
    fresh = t ** o.get("beta2_decay", -0.8)
    size = max(eps2, np.sqrt(np.mean(x * x)))
    x = x * (1 - o["lr"] * o.get("weight_decay", 0))
    if g.ndim > 1:
        rows = _mean(state, "rows", np.mean(g * g, axis=-1, keepdims=True), 1 - fresh)
        columns = _mean(state, "columns", np.mean(g * g, axis=-2, keepdims=True), 1 - fresh)
        v = rows * columns / np.maximum(rows.mean(axis=-2, keepdims=True), eps1)
    else:
        v = _mean(state, "v", g * g, 1 - fresh)
    update = g / np.sqrt(np.maximum(v, eps1 * eps1))
    update = update / max(1.0, np.sqrt(np.mean(update * update)) / o.get("d", 1.0))
    return x - size * min(o["lr"], t**-0.5) * update
