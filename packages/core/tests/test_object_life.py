"""A tensor that native code keeps (here: a base, by its view) comes back to Python as the object it was."""

import gc
import subprocess
import sys
import threading
import weakref

import pytest

import tallow


class Tagged(tallow.Tensor):
    pass


class Attribute:
    """Something that can be watched going."""


def tagged_base(tag):
    base = tallow.arange(6.0)
    base.tag = tag
    return base.view(2, 3)


def test_attributes_survive_while_only_a_view_holds_the_base():
    view = tagged_base([1, 2])
    gc.collect()
    assert view._base.tag == [1, 2]
    view._base.tag.append(3)
    assert view._base.tag == [1, 2, 3]


def test_the_object_goes_with_its_tensor():
    attribute = Attribute()
    gone = weakref.ref(attribute)
    view = tagged_base(attribute)
    del attribute
    for _ in range(3):  # let go of and taken again, several times
        base = view._base
        assert base.tag is gone()
        del base
    del view
    assert gone() is None


def test_python_may_be_the_last_to_let_go():
    attribute = Attribute()
    gone = weakref.ref(attribute)
    view = tagged_base(attribute)
    del attribute
    base = view._base
    del view
    assert base.tag is gone() and base.tolist() == [0, 1, 2, 3, 4, 5]
    del base
    assert gone() is None


def test_a_subclass_stays_what_it_is():
    base = Tagged([0.0, 0.0, 0.0, 0.0])
    view = tallow.Tensor.view(base, 2, 2)
    base = view._base
    assert view._base is base
    del base
    assert type(view._base) is Tagged


def test_weak_references_stay_valid_and_end_with_the_tensor():
    called = []
    base = tallow.zeros(4)
    weak = weakref.ref(base, called.append)
    view = base.view(2, 2)
    del base
    assert weak() is view._base and not called
    strong = weak()  # the last to hold it is what the weak reference gave
    del view
    assert strong.tolist() == [0, 0, 0, 0] and not called
    del strong
    assert weak() is None and called == [weak]


def test_a_plain_tensor_costs_no_object():
    view = tallow.zeros(4).view(2, 2)
    assert view._base.tolist() == [0, 0, 0, 0]


def test_the_collector_leaves_the_attributes_of_a_tensor_in_use_alone():
    base = tallow.zeros(4)
    base.myself = [base]  # a cycle that only native code still leads to
    view = base.view(2, 2)
    del base
    for _ in range(3):
        gc.collect()
    assert view._base.myself[0] is view._base


def test_the_collector_frees_a_cycle_when_the_tensor_is_no_longer_in_use():
    attribute = Attribute()
    gone = weakref.ref(attribute)
    base = tallow.zeros(4)
    base.myself = [base, attribute]
    view = base.view(2, 2)
    del base, attribute
    gc.collect()
    assert gone() is not None
    del view
    gc.collect()
    assert gone() is None


def test_attributes_may_use_the_tensor_when_they_go():
    seen = []

    class Last:
        def __init__(self, tensor):
            self.tensor = weakref.ref(tensor)

        def __del__(self):
            seen.append(self.tensor())

    base = tallow.zeros(4)
    base.last = Last(base)
    view = base.view(2, 2)
    del base, view
    assert seen == [None]


def test_threads_that_take_and_let_go():
    views = [tagged_base(i) for i in range(8)]
    wrong = []

    def work(seed):
        for n in range(2000):
            i = (n * 7 + seed) % len(views)
            other = views[i]._base.view(3, 2)  # holds the base as well, and lets go of it
            if other._base.tag != i:
                wrong.append(i)

    threads = [threading.Thread(target=work, args=(s,)) for s in range(4)]
    for t in threads:
        t.start()
    for _ in range(20):
        gc.collect()
    for t in threads:
        t.join()
    assert not wrong


def test_objects_that_are_kept_at_exit():
    program = (
        "import tallow\n"
        "class T(tallow.Tensor): pass\n"
        "base = T([0.0, 0.0, 0.0, 0.0]); base.x = {'self': base}\n"
        "kept = tallow.Tensor.view(base, 2, 2); del base\n"
        "import builtins; builtins.kept = kept\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")


def test_as_subclass():
    base = tallow.zeros(4)
    tagged = base.as_subclass(Tagged)
    assert type(tagged) is Tagged and tagged.data_ptr() == base.data_ptr() and type(base) is tallow.Tensor
    with pytest.raises(TypeError, match="inherits from Tensor"):
        base.as_subclass(int)
