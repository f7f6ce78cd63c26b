"""Writes state_dict.pt, the file that tests/torch.rs reads, as `torch.save` would write this network:

    torch.save(dict(model.state_dict()), "state_dict.pt")

It does so without torch, which is too large to fetch for 13 numbers: in the file its classes are mere
names. Parameters are numbered 0, 1, 2 and so on in the order of the tensors below.
"""

import io
import math
import pickle
import struct
import sys
import types
import zipfile
from collections import OrderedDict

TENSORS = {"hidden.0.weight": (3, 2), "hidden.0.bias": (3,), "head.weight": (1, 3), "head.bias": (1,)}


def named(module, name, value):
    value.__module__ = module
    value.__qualname__ = value.__name__ = name
    setattr(sys.modules.setdefault(module, types.ModuleType(module)), name, value)
    return value


storage_type = named("torch", "FloatStorage", type("FloatStorage", (), {}))
rebuild = named("torch._utils", "_rebuild_tensor_v2", lambda *arguments: None)


class Storage:
    def __init__(self, key, length):
        self.key, self.length = key, length


class Tensor:
    def __init__(self, storage, size):
        self.storage, self.size = storage, size

    def __reduce__(self):
        stride = tuple(math.prod(self.size[axis + 1 :]) for axis in range(len(self.size)))
        return rebuild, (self.storage, 0, self.size, stride, False, OrderedDict())


class Pickler(pickle.Pickler):
    def persistent_id(self, value):
        if isinstance(value, Storage):
            return ("storage", storage_type, value.key, "cpu", value.length)
        return None


tensors, contents, first = {}, {}, 0
for key, (name, size) in enumerate(TENSORS.items()):
    length = math.prod(size)
    contents[str(key)] = struct.pack(f"<{length}f", *range(first, first + length))
    tensors[name] = Tensor(Storage(str(key), length), size)
    first += length

pickled = io.BytesIO()
Pickler(pickled, protocol=2).dump(tensors)
with zipfile.ZipFile(sys.argv[1] if len(sys.argv) > 1 else "state_dict.pt", "w") as archive:

    def member(name, content):
        archive.writestr(zipfile.ZipInfo(f"state_dict/{name}"), content)

    member("data.pkl", pickled.getvalue())
    member("byteorder", "little")
    for key, content in contents.items():
        member(f"data/{key}", content)
    member("version", "3\n")
