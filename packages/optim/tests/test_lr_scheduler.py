"""Schedules: the rate of every epoch, saving, composition."""

import math

import pytest

import tallow
from tallow.optim import SGD, Adagrad, Adam
from tallow.optim import lr_scheduler as lrs
from weights import weight


def optimizer(lr=1.0, **options):
    return SGD([weight([1.0])], lr=lr, **options)


def rates(schedule, count):
    """The rates that `count` epochs run with."""
    result = []
    for _ in range(count):
        result.append(schedule.get_last_lr()[0])
        schedule.optimizer.step()
        schedule.step()
    return result


def cosine(t, period, high=1.0, low=0.0):
    return low + (high - low) * (1 + math.cos(math.pi * t / period)) / 2


CASES = {
    "step": (lambda o: lrs.StepLR(o, 3, 0.5), lambda t: 0.5 ** (t // 3)),
    "multi step": (lambda o: lrs.MultiStepLR(o, [2, 5, 5], 0.5), lambda t: 1.0 if t < 2 else 0.5 if t < 5 else 0.125),
    "exponential": (lambda o: lrs.ExponentialLR(o, 0.9), lambda t: 0.9**t),
    "constant": (lambda o: lrs.ConstantLR(o, 0.5, 4), lambda t: 0.5 if t < 4 else 1.0),
    "linear": (lambda o: lrs.LinearLR(o, 0.25, 1.0, 3), lambda t: 0.25 + 0.75 * min(t, 3) / 3),
    "polynomial": (lambda o: lrs.PolynomialLR(o, 4, 2.0), lambda t: (1 - min(t, 4) / 4) ** 2),
    "lambda": (lambda o: lrs.LambdaLR(o, lambda t: 1 / (1 + t)), lambda t: 1 / (1 + t)),
    "multiplicative": (lambda o: lrs.MultiplicativeLR(o, lambda t: 0.5), lambda t: 0.5**t),
    "cosine": (lambda o: lrs.CosineAnnealingLR(o, 5, 0.1), lambda t: cosine(t, 5, low=0.1)),
    "restarts": (
        lambda o: lrs.CosineAnnealingWarmRestarts(o, 2, 2),
        lambda t: cosine(t, 2) if t < 2 else cosine(t - 2, 4) if t < 6 else cosine(t - 6, 8),
    ),
    "warm-up": (
        lambda o: lrs.SequentialLR(o, [lrs.LinearLR(o, 0.25, 1.0, 3), lrs.CosineAnnealingLR(o, 8)], [3]),
        lambda t: 0.25 + 0.25 * t if t < 3 else cosine(t - 3, 8),
    ),
    "chained": (
        lambda o: lrs.ChainedScheduler([lrs.ConstantLR(o, 0.5, 2), lrs.ExponentialLR(o, 0.9)]),
        lambda t: (0.5 if t < 2 else 1.0) * 0.9**t,
    ),
    "cyclic": (
        lambda o: lrs.CyclicLR(o, 0.5, 1.5, step_size_up=2, step_size_down=4, cycle_momentum=False),
        lambda t: 0.5 + (t % 6 / 2 if t % 6 <= 2 else 1 - (t % 6 - 2) / 4),
    ),
    "smaller cycles": (
        lambda o: lrs.CyclicLR(o, 0.0, 1.0, step_size_up=2, mode="triangular2", cycle_momentum=False),
        lambda t: (1 - abs(t % 4 - 2) / 2) / 2 ** (t // 4),
    ),
    "decaying cycles": (
        lambda o: lrs.CyclicLR(o, 0.0, 1.0, step_size_up=2, mode="exp_range", gamma=0.9, cycle_momentum=False),
        lambda t: (1 - abs(t % 4 - 2) / 2) * 0.9**t,
    ),
    "one cycle": (
        lambda o: lrs.OneCycleLR(o, 1.0, total_steps=10, pct_start=0.3, cycle_momentum=False),
        lambda t: cosine(t, 2, 1 / 25, 1.0) if t <= 2 else cosine(t - 2, 7, 1.0, 1 / 25e4),
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_rates(name):
    make, expected = CASES[name]
    count = 10
    assert rates(make(optimizer()), count) == pytest.approx([expected(t) for t in range(count)], abs=1e-12)


@pytest.mark.parametrize("name", CASES)
def test_saving_and_loading_goes_on_exactly(name, tmp_path):
    make, _ = CASES[name]
    whole = rates(make(optimizer()), 9)
    first = make(optimizer())
    rates(first, 4)
    tallow.save([first.optimizer.state_dict(), first.state_dict()], tmp_path / "state")
    second = make(optimizer())
    saved = tallow.load(tmp_path / "state")
    second.optimizer.load_state_dict(saved[0])
    second.load_state_dict(saved[1])
    assert rates(second, 5) == whole[4:]


@pytest.mark.parametrize("name", ["step", "multi step", "exponential", "constant", "linear", "polynomial", "cosine"])
def test_jumping_to_an_epoch_uses_the_closed_form(name):
    make, expected = CASES[name]
    schedule = make(optimizer())
    schedule.optimizer.step()
    with pytest.warns(UserWarning, match="epoch parameter"):
        schedule.step(7)
    assert schedule.get_last_lr() == pytest.approx([expected(7)])


def test_every_group_has_its_rate():
    opt = SGD([{"params": weight([1.0]), "lr": 0.5}, {"params": weight([1.0])}], lr=0.1)
    schedule = lrs.LambdaLR(opt, [lambda t: 0.5**t, lambda t: 1.0])
    opt.step()
    schedule.step()
    assert schedule.get_last_lr() == [0.25, 0.1] and opt.param_groups[0]["initial_lr"] == 0.5


def test_one_cycle_moves_momentum_the_other_way():
    opt = optimizer(momentum=0.9)
    schedule = lrs.OneCycleLR(opt, 1.0, total_steps=11, three_phase=True, anneal_strategy="linear")
    momenta = []
    for _ in range(4):
        momenta.append(opt.param_groups[0]["momentum"])
        opt.step()
        schedule.step()
    assert momenta[0] == 0.95 and min(momenta) < 0.9 and momenta[1] > momenta[2]
    adam = Adam([weight([1.0])])
    lrs.OneCycleLR(adam, 1.0, total_steps=10)
    assert adam.param_groups[0]["betas"][0] == 0.95


def test_cycles_move_momentum_the_other_way():
    opt = optimizer(momentum=0.5)
    schedule = lrs.CyclicLR(opt, 0.1, 1.0, step_size_up=2, base_momentum=0.8, max_momentum=0.9)
    momenta = []
    for _ in range(5):
        momenta.append(opt.param_groups[0]["momentum"])
        opt.step()
        schedule.step()
    assert momenta == pytest.approx([0.9, 0.85, 0.8, 0.85, 0.9])
    with pytest.raises(ValueError, match="must support momentum or beta1"):
        lrs.CyclicLR(Adagrad([weight([1.0])]), 0.1, 1.0)
    with pytest.raises(ValueError, match="mode is invalid and scale_fn is None"):
        lrs.CyclicLR(opt, 0.1, 1.0, mode="round")
    assert lrs.CyclicLR(opt, 0.1, 1.0, mode="round", scale_fn=lambda x: 2.0 * x).scale_fn(3) == 6.0


def test_plateau():
    opt = optimizer()
    schedule = lrs.ReduceLROnPlateau(opt, factor=0.5, patience=1, cooldown=1, min_lr=0.2, threshold=0.1)
    seen = []
    for metric in [1.0, 0.95, 0.94, 0.5, 0.5, 0.5, 0.5, 0.5, 0.5, 0.5, 0.5]:
        schedule.step(tallow.tensor(metric))
        seen.append(opt.param_groups[0]["lr"])
    assert seen == [1.0, 1.0, 0.5, 0.5, 0.5, 0.25, 0.25, 0.25, 0.2, 0.2, 0.2]
    other = lrs.ReduceLROnPlateau(optimizer(), factor=0.5)
    other.load_state_dict(schedule.state_dict())
    assert other.best == 0.5 and other.patience == 1


def test_a_tensor_as_rate_is_written_in_place():
    lr = tallow.tensor(1.0)
    opt = optimizer(lr)
    schedule = lrs.ExponentialLR(opt, 0.5)
    opt.step()
    schedule.step()
    assert opt.param_groups[0]["lr"] is lr and lr.item() == 0.5
    schedule.get_last_lr()[0].fill_(9)
    assert lr.item() == 0.5


def test_wrong_order_is_warned_of():
    schedule = lrs.StepLR(optimizer(), 1)
    with pytest.warns(UserWarning, match="before `optimizer.step"):
        schedule.step()
    with pytest.warns(UserWarning, match="please use `get_last_lr"):
        schedule.get_lr()


def test_a_replaced_step_is_warned_of():
    opt = optimizer()
    schedule = lrs.StepLR(opt, 1)
    opt.step = lambda: None
    with pytest.warns(UserWarning, match="has been overridden after learning rate scheduler initialization"):
        schedule.step()


def test_the_phases_of_a_cycle_are_saved_in_torchs_form():
    saved = lrs.OneCycleLR(optimizer(), 0.3, 10, cycle_momentum=False).state_dict()["_schedule_phases"]
    assert saved[0] == {
        "end_step": 2.0,
        "start_lr": "initial_lr",
        "end_lr": "max_lr",
        "start_momentum": "max_momentum",
        "end_momentum": "base_momentum",
    }
    assert [phase["end_step"] for phase in saved] == [2.0, 9]
    # A loaded state decides, whatever the schedule was made with.
    other = lrs.OneCycleLR(optimizer(), 0.3, 10, pct_start=0.9, cycle_momentum=False)
    other.load_state_dict({"_schedule_phases": saved})
    for _ in range(2):
        other.optimizer.step()
        other.step()
    assert other.get_last_lr() == [pytest.approx(0.3)]


def test_the_state_of_a_plateau_has_its_worst():
    schedule = lrs.ReduceLROnPlateau(optimizer(), mode="max")
    assert schedule.state_dict()["mode_worse"] == -math.inf == schedule.best


def test_callable_objects_are_saved_with_their_attributes():
    class Slope:
        def __init__(self, by):
            self.by = by

        def __call__(self, t):
            return 1 - self.by * t

    a, b = lrs.LambdaLR(optimizer(), Slope(0.1)), lrs.LambdaLR(optimizer(), Slope(0.2))
    b.load_state_dict(a.state_dict())
    assert b.lr_lambdas[0].by == 0.1


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda o: lrs.StepLR(3, 1), TypeError, "int is not an Optimizer"),
        (lambda o: lrs.StepLR(o, 1, last_epoch=3), KeyError, "initial_lr"),
        (lambda o: lrs.ConstantLR(o, 2.0), ValueError, "between 0 and 1"),
        (lambda o: lrs.LinearLR(o, 0.0), ValueError, "greater than 0"),
        (lambda o: lrs.LambdaLR(o, [lambda t: 1] * 2), ValueError, "Expected 1 lr_lambdas, but got 2"),
        (lambda o: lrs.CosineAnnealingWarmRestarts(o, 0), ValueError, "positive integer T_0"),
        (lambda o: lrs.OneCycleLR(o, 1.0), ValueError, "You must define either total_steps"),
        (lambda o: lrs.OneCycleLR(o, [1.0, 2.0], total_steps=5), ValueError, "max_lr must have the same length"),
        (lambda o: lrs.OneCycleLR(o, 1.0, total_steps=5, anneal_strategy="x"), ValueError, "one of 'cos' or 'linear'"),
        (lambda o: lrs.ReduceLROnPlateau(o, factor=1.0), ValueError, "Factor should be < 1.0"),
        (lambda o: lrs.ReduceLROnPlateau(o, mode="x"), ValueError, "mode x is unknown"),
        (lambda o: lrs.SequentialLR(o, [], []), ValueError, "at least one scheduler"),
        (lambda o: lrs.SequentialLR(o, [lrs.StepLR(o, 1)], [1]), ValueError, "one more than the number of milestone"),
        (lambda o: lrs.ChainedScheduler([lrs.StepLR(optimizer(), 1)], o), ValueError, "belong to the same optimizer"),
        (lambda o: lrs.SequentialLR(o, [lrs.ReduceLROnPlateau(o)], []), ValueError, "does not support"),
    ],
)
def test_errors(make, error, message):
    with pytest.raises(error, match=message):
        make(optimizer())


def test_one_cycle_ends():
    opt = optimizer(momentum=0.9)
    schedule = lrs.OneCycleLR(opt, 1.0, total_steps=2)
    with pytest.raises(ValueError, match="specified number of total steps is 2"):
        rates(schedule, 4)
