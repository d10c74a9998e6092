"""``tallow.profiler``: what is recorded, how it adds up, and schedules."""

import json
import threading

import pytest

import tallow
from tallow import profiler
from tallow.profiler import ProfilerAction, ProfilerActivity, profile, record_function, schedule

x = tallow.ones(2, 3)


def keys(p):
    return [event.key for event in p.events()]


def test_ops_of_the_block_are_recorded():
    x.exp()
    with profile(activities=[ProfilerActivity.CPU]) as p:
        x.exp()
        x.exp()
        with record_function("part"):
            x.log()
    x.sin()
    assert keys(p) == ["exp", "exp", "part", "log"]
    averages = {row.key: row for row in p.key_averages()}
    assert averages["exp"].count == 2 and averages["exp"].cpu_time == averages["exp"].cpu_time_total / 2
    part, log = averages["part"], averages["log"]
    assert part.cpu_time_total == pytest.approx(part.self_cpu_time_total + log.cpu_time_total)
    assert p.key_averages().total_average().count == 4


def test_what_an_op_calls_is_inside_it():
    with profile() as p:
        tallow.outer(x[0], x[0])
    depths = {event.key: event.depth for event in p.events()}
    assert depths["outer"] == 0 and max(depths.values()) > 0


def test_an_op_that_fails_ends():
    with profile() as p:
        with pytest.raises(RuntimeError):
            x @ x
        x.exp()
    last = p.events()[-1]
    assert last.key == "exp" and last.depth == 0


def test_another_thread_is_not_recorded():
    with profile() as p:
        thread = threading.Thread(target=x.exp)
        thread.start()
        thread.join()
    assert keys(p) == []


def test_shapes():
    with profile(record_shapes=True) as p:
        x.exp()
        x[0].exp()
    rows = p.key_averages(group_by_input_shape=True)
    assert [(r.key, r.input_shapes) for r in rows if r.key == "exp"] == [("exp", "[[2, 3]]"), ("exp", "[[3]]")]


def test_table():
    with profile() as p:
        x.exp()
        x.log()
        x.exp()
    table = p.key_averages().table(sort_by="cpu_time_total", row_limit=1)
    assert "Self CPU time total" in table and "# of Calls" in table and str(p.key_averages()).count("\n") > 5
    by_count = p.key_averages().table(sort_by="count").splitlines()
    assert by_count[3].startswith("exp") and by_count[4].startswith("log")
    p.key_averages().table(sort_by="self_cuda_time_total")
    with pytest.raises(AttributeError):
        p.key_averages().table(sort_by="beauty")


def test_trace(tmp_path):
    handler = profiler.tensorboard_trace_handler(str(tmp_path / "log"), worker_name="w")
    with profile(on_trace_ready=handler):
        x.exp()
    (file,) = (tmp_path / "log").iterdir()
    (event,) = json.loads(file.read_text())["traceEvents"]
    assert event["name"] == "exp" and event["ph"] == "X" and event["dur"] > 0 and file.name.startswith("w.")


def test_schedule():
    plan = schedule(skip_first=1, wait=1, warmup=1, active=2, repeat=2)
    none, warmup, record, save = ProfilerAction
    assert [plan(i) for i in range(10)] == [none, *[none, warmup, record, save] * 2, none]
    with pytest.raises(AssertionError, match="Invalid profiler schedule"):
        schedule(wait=0, warmup=0, active=0)
    seen = []
    plan = schedule(wait=1, warmup=1, active=2, repeat=2)
    with profile(schedule=plan, on_trace_ready=lambda p: seen.append((p.step_num, keys(p)))) as p:
        for _ in range(10):
            x.exp()
            p.step()
    assert seen == [(4, ["exp", "exp"]), (8, ["exp", "exp"])]


def test_names_without_a_profile_and_as_decorators():
    @record_function("named")
    def double(t):
        """doc"""
        return t * 2

    assert double(x).sum() == 12 and double.__doc__ == "doc"
    with profile() as p:
        double(x)
    assert keys(p) == ["named", "mul"] and profiler.supported_activities() == {ProfilerActivity.CPU}
