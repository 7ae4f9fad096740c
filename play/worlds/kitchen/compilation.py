"""Running the kernels compiled by numba, or as the ordinary Python that they are written in."""

import importlib.util
import os
from collections.abc import Callable
from functools import lru_cache
from types import FunctionType, ModuleType, SimpleNamespace
from typing import Any

from play.worlds.kitchen import encode, rules

SWITCH = "UNDERSTUDY_COMPILED"
WORTH_COMPILING = 16  # environments; below, plain Python keeps up and starts at once
WORTH_THREADS = 512  # environments; below, waking threads costs more than they save


def choose_compiled(compiled: bool | None, num_envs: int) -> bool:
    """Whether to compile: as asked, else as the environment says, else if it pays.

    Args:
        compiled: The caller's wish; None leaves the choice to ``UNDERSTUDY_COMPILED`` (0 or 1)
            and, if that is not set, to the number of environments.
        num_envs: Number of environments N.
    """
    if compiled is None:
        switch = os.environ.get(SWITCH, "")
        compiled = switch == "1" or (switch != "0" and num_envs >= WORTH_COMPILING)
    return compiled and importlib.util.find_spec("numba") is not None


def kernels(compiled: bool, num_envs: int) -> SimpleNamespace:
    """All kernels and loops by name, in the form that suits a batch of this size."""
    if not compiled:
        return plain()
    import numba

    return jitted(num_envs >= WORTH_THREADS and numba.get_num_threads() > 1)


@lru_cache(maxsize=1)
def plain() -> SimpleNamespace:
    """The kernels as they are."""
    return SimpleNamespace(**vars(rules), **{
        name: value for name, value in vars(encode).items() if name not in vars(rules)
    })  # fmt: skip


@lru_cache(maxsize=2)
def jitted(threads: bool) -> SimpleNamespace:
    """The kernels compiled; the machine code is cached on disk, so this is slow only once."""
    return SimpleNamespace(**{**compile_module(encode, threads), **compile_module(rules, threads)})


def compile_module(module: ModuleType, threads: bool) -> dict[str, Any]:
    """Compiles copies of a module's functions that call each other's compiled copies.

    The module itself stays plain: its functions are copied into a namespace of their own, leaf
    functions first, so that by the time numba sees a caller its callees are compiled.
    """
    import numba

    namespace = dict(vars(module))
    if threads:
        namespace["prange"] = numba.prange
    for function in module.KERNELS:
        compile_copy(function, namespace, parallel=False)
    for function in module.LOOPS:
        compile_copy(function, namespace, parallel=threads)
    return namespace


def compile_copy(function: Callable[..., Any], namespace: dict[str, Any], parallel: bool) -> None:
    """Puts a compiled copy of a function into a namespace."""
    import numba

    assert isinstance(function, FunctionType)
    copy = FunctionType(function.__code__, namespace, function.__name__, function.__defaults__)
    # The parallel loops need a cache entry of their own: numba tells entries apart by this name.
    copy.__qualname__ = f"{function.__qualname__}_threads" if parallel else function.__qualname__
    copy.__module__ = function.__module__
    jit = numba.njit(cache=True, nogil=True, error_model="numpy", parallel=parallel)
    namespace[function.__name__] = jit(copy)
