"""Every element-wise optimizer and Adafactor against its formula in NumPy; options, state, saving, scaling, threads."""

import copy
import io

import pytest

import formulas
import tallow
from tallow import optim
from weights import Weight, weight

np = pytest.importorskip("numpy")

CASES = [
    ("SGD", {}),
    ("SGD", {"momentum": 0.9, "dampening": 0.1, "weight_decay": 0.1}),
    ("SGD", {"momentum": 0.9, "nesterov": True, "maximize": True}),
    ("Adam", {"weight_decay": 0.1}),
    ("Adam", {"amsgrad": True, "betas": (0.5, 0.9), "eps": 1e-3, "maximize": True}),
    ("AdamW", {"weight_decay": 0.2}),
    ("Adamax", {}),
    ("Adamax", {"weight_decay": 0.1, "maximize": True, "betas": (0.5, 0.9)}),
    ("NAdam", {"weight_decay": 0.1}),
    ("NAdam", {"weight_decay": 0.1, "decoupled_weight_decay": True, "momentum_decay": 0.1, "maximize": True}),
    ("RAdam", {"weight_decay": 0.1}),
    ("RAdam", {"weight_decay": 0.1, "decoupled_weight_decay": True, "betas": (0.5, 0.9), "maximize": True}),
    ("Adagrad", {"lr_decay": 0.1, "weight_decay": 0.1}),
    ("Adagrad", {"initial_accumulator_value": 0.5, "eps": 0.1, "maximize": True}),
    ("Adadelta", {"weight_decay": 0.1}),
    ("Adadelta", {"rho": 0.5, "eps": 1e-2, "maximize": True}),
    ("RMSprop", {"weight_decay": 0.1}),
    ("RMSprop", {"centered": True, "momentum": 0.5, "maximize": True}),
    ("RMSprop", {"momentum": 0.9, "alpha": 0.5, "eps": 0.1}),
    ("RMSprop", {"centered": True}),
    ("Rprop", {}),
    ("Rprop", {"etas": (0.4, 1.5), "step_sizes": (0.05, 0.12), "maximize": True}),
    ("ASGD", {"weight_decay": 0.1}),
    ("ASGD", {"t0": 3, "lambd": 0.5, "alpha": 0.5, "maximize": True}),
]
FACTORED = [
    ("Adafactor", {}),
    ("Adafactor", {"weight_decay": 0.1, "eps": (1e-3, 0.1), "d": 1.5, "beta2_decay": -0.5, "maximize": True}),
]
NATIVE = sorted({name for name, _ in CASES})
SHAPES = [(), (7,), (3, 5), (2, 3, 4), (0,)]


def values(seed, shape):
    return np.asarray(np.random.default_rng(seed).normal(size=shape))


def make(name, params, **options):
    return getattr(optim, name)(params, lr=options.pop("lr", 0.1), **options)


def tensor(array, dtype=tallow.float64):
    return tallow.tensor(array.tolist(), dtype=dtype).reshape(array.shape)


def train(opt, params, first, last):
    for t in range(first, last):
        for i, p in enumerate(params):
            p.grad = tensor(values(100 * t + i, tuple(p.shape)), p.dtype)
        opt.step()


def expected(name, options, shape, i, steps=8):
    rule = getattr(formulas, name.lower())
    x, state = values(i, shape), {}
    for t in range(1, steps + 1):
        x = rule(x, values(100 * t + i, shape), t, state, {"lr": 0.1, **options})
    return x


@pytest.mark.parametrize("fused", [None, False])
@pytest.mark.parametrize(("name", "options"), CASES + FACTORED, ids=str)
def test_values(name, options, fused):
    params = [
        Weight(tensor(values(i, shape))) for i, shape in enumerate(SHAPES) if shape != (0,) or name != "Adafactor"
    ]
    opt = make(name, params, **options)
    opt.param_groups[0]["fused"] = fused
    train(opt, params, 1, 9)
    # The numbers beside the arrays, such as ASGD's step, are kept in float32.
    tolerance = 1e-6 if name in ("ASGD", "NAdam") else 1e-11
    for i, p in enumerate(params):
        np.testing.assert_allclose(
            p.tolist(), expected(name, options, tuple(p.shape), i), rtol=tolerance, atol=tolerance
        )


@pytest.mark.parametrize(("name", "options"), CASES, ids=str)
def test_a_complex_parameter_is_two_real_ones(name, options):
    for fused in (None, False):
        pair = Weight(tensor(values(0, (4, 2))))
        whole = Weight(tallow.view_as_complex(pair.clone()))
        results = []
        for p in (pair, whole):
            opt = make(name, [p], **options)
            opt.param_groups[0]["fused"] = fused
            for t in range(1, 6):
                grad = tensor(values(t, (4, 2)))
                p.grad = tallow.view_as_complex(grad) if p is whole else grad
                opt.step()
            results.append(p)
            for held in opt.state[p].values():
                assert held.dim() == 0 or held.dtype == p.dtype
        assert tallow.view_as_real(whole).tolist() == pair.tolist()


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
@pytest.mark.parametrize("name", NATIVE)
def test_half_precision_computes_in_float_and_rounds_once(name, dtype):
    dtype = getattr(tallow, dtype)
    start, grads = values(0, (2500,)), [values(t, (2500,)) for t in range(1, 4)]
    half, wide = Weight(tensor(start, dtype)), Weight(tensor(start, dtype).float())
    first, second = (make(name, [p], lr=0.125) for p in (half, wide))
    for g in grads:
        half.grad, wide.grad = tensor(g, dtype), tensor(g, dtype).float()
        first.step()
        second.step()
        # Rounding what the float step gives, state included, is what the half step does.
        wide.copy_(wide.to(dtype).float())
        for name_, held in second.state[wide].items():
            if held.dim():
                held.copy_(held.to(dtype).float())
                assert first.state[half][name_].dtype == dtype
        assert half.float().tolist() == wide.tolist()


@pytest.mark.parametrize(("name", "options"), CASES + FACTORED, ids=str)
def test_resuming_goes_on_exactly(name, options):
    shape = (3, 5)
    for dtype in (tallow.float32, tallow.bfloat16):
        whole = [Weight(tensor(values(0, shape), dtype)), Weight(tensor(values(1, (7,)), dtype))]
        opt = make(name, whole, **options)
        train(opt, whole, 1, 5)
        stream = io.BytesIO()
        tallow.save(opt.state_dict(), stream)
        stream.seek(0)
        resumed = [Weight(p.clone()) for p in whole]
        other = make(name, resumed, **options)
        other.load_state_dict(tallow.load(stream))
        train(opt, whole, 5, 9)
        train(other, resumed, 5, 9)
        assert [p.tolist() for p in resumed] == [p.tolist() for p in whole]


LAYOUT = {
    ("SGD", "momentum"): {"momentum_buffer"},
    ("SGD", None): set(),
    ("Adam", "amsgrad"): {"step", "exp_avg", "exp_avg_sq", "max_exp_avg_sq"},
    ("AdamW", None): {"step", "exp_avg", "exp_avg_sq"},
    ("Adamax", None): {"step", "exp_avg", "exp_inf"},
    ("NAdam", None): {"step", "mu_product", "exp_avg", "exp_avg_sq"},
    ("RAdam", None): {"step", "exp_avg", "exp_avg_sq"},
    ("Adagrad", None): {"step", "sum"},
    ("Adadelta", None): {"step", "square_avg", "acc_delta"},
    ("RMSprop", None): {"step", "square_avg"},
    ("RMSprop", "momentum"): {"step", "square_avg", "momentum_buffer"},
    ("RMSprop", "centered"): {"step", "square_avg", "grad_avg"},
    ("Rprop", None): {"step", "prev", "step_size"},
    ("ASGD", None): {"step", "eta", "mu", "ax"},
    ("Adafactor", None): {"step", "row_var", "col_var"},
    ("Muon", None): {"momentum_buffer"},
}


@pytest.mark.parametrize(("name", "option"), LAYOUT)
def test_state_has_the_names_and_shapes_that_files_have(name, option):
    w = Weight(tensor(values(0, (4, 3)), tallow.float32))
    opt = make(name, [w], **({option: 0.9 if option == "momentum" else True} if option else {}))
    train(opt, [w], 1, 3)
    state = opt.state_dict()["state"].get(0, {})
    assert set(state) == LAYOUT[name, option]
    for key, held in state.items():
        numbers = ("step", "mu_product", "eta", "mu")
        assert tuple(held.shape) == (() if key in numbers else {"row_var": (4, 1), "col_var": (1, 3)}.get(key, (4, 3)))
    if "step" in state:
        assert state["step"].item() == 2 and state["step"].dtype == tallow.float32


def test_old_files_hold_the_step_as_a_number():
    w = weight([1.5], [1.0])
    opt = optim.Adam([w])
    opt.step()
    state = copy.deepcopy(opt.state_dict())
    state["state"][0]["step"] = 1
    opt.load_state_dict(state)
    opt.step()
    assert opt.state[w]["step"].item() == 2


@pytest.mark.parametrize("name", NATIVE)
def test_any_number_of_threads_gives_the_same_bits(name):
    before = tallow.get_num_threads()
    results = []
    try:
        for threads in (1, 2):
            tallow.set_num_threads(threads)
            tallow.manual_seed(0)
            params = [Weight(tallow.randn(n)) for n in (70_000, 3, 140_001)]
            opt = make(name, params)
            for _ in range(2):
                for p in params:
                    p.grad = tallow.randn(p.shape)
                opt.step()
            results.append(params)
    finally:
        tallow.set_num_threads(before)
    assert all(bool((a == b).all()) for a, b in zip(*results, strict=True))


@pytest.mark.parametrize("fused", [True, False])
@pytest.mark.parametrize("name", ["SGD", "Adam", "AdamW", "Adagrad"])
def test_a_gradient_scaler_may_leave_its_work_to_the_step(name, fused):
    options = {"momentum": 0.9} if name == "SGD" else {}
    plain, scaled = weight([1.5], [0.5]), weight([1.5], [4.0])
    make(name, [plain], **options).step()
    opt = make(name, [scaled], fused=fused, **options)
    assert getattr(opt, "_step_supports_amp_scaling", False) is fused
    opt.grad_scale, opt.found_inf = tallow.tensor(8.0), tallow.tensor(1.0)
    opt.step()
    assert scaled.item() == 1.5 and scaled.grad.item() == 4.0
    assert all(held.sum().item() == 0 for state in opt.state.values() for held in state.values())
    opt.found_inf = tallow.tensor(0.0)
    opt.step()
    assert scaled.item() == plain.item() and scaled.grad.item() == 0.5


def test_state_of_another_layout_is_brought_into_line():
    a, b = (Weight(tensor(values(0, (4, 3)), tallow.float32)) for _ in range(2))
    first, second = optim.Adam([a]), optim.Adam([b])
    train(first, [a], 1, 3)
    train(second, [b], 1, 3)
    for key in ("exp_avg", "exp_avg_sq"):
        second.state[b][key] = second.state[b][key].t().contiguous().t()
    b.grad = None
    for opt, p in ((first, a), (second, b)):
        p.grad = tensor(values(7, (3, 4)), tallow.float32).t()
        opt.step()
    assert a.tolist() == b.tolist()


def test_muon_subtracts_a_nearly_orthogonal_matrix():
    for shape in [(6, 4), (4, 6), (5, 5)]:
        w = Weight(tallow.zeros(shape))
        w.grad = tensor(values(3, shape), tallow.float32)
        optim.Muon([w], lr=1.0, weight_decay=0.0, momentum=0.0, nesterov=False, adjust_lr_fn="match_rms_adamw").step()
        singular = np.linalg.svd(np.array(w.tolist()) / (0.2 * max(shape) ** 0.5), compute_uv=False)
        assert singular.min() > 0.6 and singular.max() < 1.3


def test_sparse_adam_wants_sparse_gradients():
    with pytest.raises(RuntimeError, match="does not support dense gradients"):
        optim.SparseAdam([weight([1.0], [1.0])]).step()
    with pytest.raises(ValueError, match="Complex params at indices"):
        optim.SparseAdam([tallow.zeros(2, dtype=tallow.complex64)])


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda w: optim.Adamax([w], lr=-1), "Invalid learning rate: -1"),
        (lambda w: optim.NAdam([w], momentum_decay=-1), "Invalid momentum_decay value: -1"),
        (lambda w: optim.RAdam([w], betas=(0.9, 1.0)), "Invalid beta parameter at index 1: 1.0"),
        (lambda w: optim.Adagrad([w], lr_decay=-1), "Invalid lr_decay value: -1"),
        (lambda w: optim.Adadelta([w], rho=1.1), "Invalid rho value: 1.1"),
        (lambda w: optim.RMSprop([w], momentum=-1), "Invalid momentum value: -1"),
        (lambda w: optim.Rprop([w], etas=(1.0, 0.5)), "Invalid eta values: 1.0, 0.5"),
        (lambda w: optim.ASGD([w], weight_decay=-1), "Invalid weight_decay value: -1"),
        (lambda w: optim.Adafactor([w], d=0.5), "Clipping threshold d should be >= 1 but is: 0.5"),
        (lambda w: optim.Muon([w]), "Muon only supports 2D parameters"),
        (lambda w: optim.Muon([w], adjust_lr_fn="x"), "Adjust learning rate function x is not supported"),
        (lambda w: optim.SparseAdam([w], eps=0), "Invalid epsilon value: 0"),
        (lambda w: optim.LBFGS([{"params": [w]}, {"params": []}]), "doesn't support per-parameter options"),
        (lambda w: optim.Adam([w], betas=(tallow.tensor(0.9), 0.9)), "both floats or both Tensors"),
        (lambda w: optim.Adam([w], lr=tallow.tensor(0.1), foreach=True), "lr as a Tensor is not supported"),
    ],
)
def test_errors(make, message):
    with pytest.raises(ValueError, match=message):
        make(weight([1.0]))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda lists: lists[1].pop(), r"adam_step: 1 params but 0 grads"),
        (lambda lists: lists.__setitem__(2, [tallow.zeros(3)]), r"adam_step: exp_avgs\[0\] has shape \[3\]"),
        (
            lambda lists: lists.__setitem__(3, [tallow.zeros(2).double()]),
            r"adam_step: exp_avg_sqs\[0\] has another dtype",
        ),
        (
            lambda lists: lists.__setitem__(5, [tallow.zeros(2)]),
            r"adam_step: steps\[0\] must be one floating-point number",
        ),
        (lambda lists: lists.__setitem__(0, [tallow.zeros(4)[::2]]), r"adam_step: params\[0\] has gaps or overlaps"),
    ],
)
def test_the_op_checks_what_it_is_given(change, message):
    lists = [[tallow.zeros(2)] for _ in range(4)] + [[], [tallow.tensor(0.0)]]
    change(lists)
    with pytest.raises(RuntimeError, match=message):
        tallow.ops.optim.adam_step(
            *lists, lr=0.1, betas=(0.9, 0.9), eps=0.1, weight_decay=0.0, maximize=False, decoupled_weight_decay=False
        )
