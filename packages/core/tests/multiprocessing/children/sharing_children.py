"""Functions that the processes of test_sharing.py run."""

import os
import signal


class Duplex:
    def __init__(self, out, back):
        self.put, self.get = out.put, back.get
        self.out, self.back = out, back

    def __getstate__(self):
        return self.out, self.back

    def __setstate__(self, state):
        self.__init__(*state)


def double(index, tensor, queue):
    tensor.mul_(2)
    queue.put((index, tensor[1:]))
    queue.get()  # whoever receives a tensor takes the descriptor from the process that sent it


def ends(index, how):
    if index == 1 and how == "raise":
        raise LookupError("nothing there")
    if index == 1:
        os.kill(os.getpid(), signal.SIGKILL)
    signal.pause()
