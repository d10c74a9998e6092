"""Build the tensor of one printing case, with tallow or with torch."""

import math


def build(lib, values, shape, dtype, grad):
    kind = getattr(lib, dtype)
    if grad == "meta":
        return lib.empty(shape, dtype=kind, device="meta")
    if values == "pattern":
        # Sixteenths are exact in every floating dtype, so both libraries start from the same numbers.
        values = [((i * 7919) % 2003 - 1001) / 16 for i in range(math.prod(shape))]
        if dtype == "bool":
            values = [value > 0 for value in values]
        elif dtype == "uint8":
            values = [int(abs(value)) for value in values]
        elif not dtype.startswith(("float", "bfloat", "complex")):
            values = [int(value) for value in values]
        elif dtype.startswith("complex"):
            values = [complex(value, -value / 4) for value in values]
    elif dtype.startswith("complex"):
        values = [complex(real, imag) for real, imag in values]
    tensor = lib.tensor(values, dtype=kind).reshape(shape)
    if not grad:
        return tensor
    tensor = tensor.clone().requires_grad_()
    return {"leaf": lambda: tensor, "add": lambda: tensor + 0, "mul": lambda: tensor * 1}[grad]()
