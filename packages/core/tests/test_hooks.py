"""Handles of hooks."""

import pickle
from collections import OrderedDict

import tallow
from tallow.utils.hooks import RemovableHandle, add_hook


def test_a_handle_removes_its_hook_and_what_is_noted_about_it():
    table, flag = OrderedDict(), OrderedDict()
    first = add_hook(table, print)
    with add_hook(table, len, [flag], prepend=True) as second:
        assert list(table.values()) == [len, print] and flag == {second.id: True}
    assert list(table.values()) == [print] and not flag
    second.remove()
    first.remove()
    assert not table


def test_a_handle_does_not_keep_the_table():
    table = OrderedDict()
    handle = add_hook(table, print)
    del table
    handle.remove()


def test_a_copy_with_its_table_works_on_the_copy():
    table = OrderedDict()
    handle = add_hook(table, print)
    copied_table, copied = pickle.loads(pickle.dumps((table, handle)))
    copied.remove()
    assert not copied_table and table


def test_torchs_arguments():
    table, extra = OrderedDict(), OrderedDict()
    handle = RemovableHandle(table, extra_dict=extra)
    table[handle.id], extra[handle.id] = print, 1
    handle.remove()
    assert not table and not extra
    assert tallow.utils.hooks.RemovableHandle is RemovableHandle
