"""What keeps an object alive, for the message of a test that found it alive."""

import gc
import threading
import types

_ROOTS = (types.ModuleType, types.FrameType, threading.Thread)
_LENGTH = 140


def holders(kept) -> str:
    """Return the shortest chain of references from a module, a frame or a thread to `kept`.

    One object a line, `kept` the last; where no such root is found, from as far as there are any.
    """
    gc.collect()
    holds, level = {id(kept): None}, [kept]  # by the id of each holder, what it holds
    own = {id(holds)}
    while True:
        known = {id(each): each for each in level}
        last, level = level, []
        own |= {id(known), id(last), id(level)}
        for each in gc.get_referrers(*last):
            if id(each) in own or id(each) in holds:
                continue
            parts = (known[id(part)] for part in gc.get_referents(each) if id(part) in known)
            holds[id(each)] = next(parts, None)
            if isinstance(each, _ROOTS):
                return "\n".join(_chain(each, holds))
            level.append(each)
        if not level:
            return "\n".join(_chain(last[0], holds))


def _chain(holder, holds):
    while holder is not None:
        yield _described(holder)[:_LENGTH]
        holder = holds[id(holder)]


def _described(value) -> str:
    if isinstance(value, types.FrameType):
        return f"frame of {value.f_code.co_qualname}, {value.f_code.co_filename}:{value.f_lineno}"
    if isinstance(value, types.FunctionType | types.MethodType):
        return f"{type(value).__name__} {value.__module__}.{value.__qualname__}"
    words = f"{type(value).__module__}.{type(value).__qualname__}"
    if isinstance(value, dict):
        return f"{words} of {', '.join(map(str, list(value)[:5]))}"
    return words if isinstance(value, list | tuple | set) else f"{words} {value!r}"
