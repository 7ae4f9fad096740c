"""Running the kernels compiled by numba, or as the ordinary Python that they are written in."""

import hashlib
import importlib.util
import itertools
import os
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from types import FunctionType, ModuleType, SimpleNamespace
from typing import Any

import numpy as np
from numpy.typing import NDArray

SWITCH = "UNDERSTUDY_COMPILED"
WORTH_COMPILING = 16  # environments; below, plain Python keeps up and starts at once
OPTIONS: dict[str, Any] = {
    "cache": True, "nogil": True, "error_model": "numpy", "_nrt": False,
}  # fmt: skip
WORTH_A_THREAD = 1024  # environments per thread; with fewer, waking it costs what it saves


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


@contextmanager
def compiled_anyway() -> Iterator[None]:
    """Lets small batches be compiled too, here and in new processes, unless the user said no.

    For work that plays thousands of small batches: compiling pays only over all of them.
    """
    before = os.environ.get(SWITCH)
    os.environ.setdefault(SWITCH, "1")
    try:
        yield
    finally:
        if before is None:
            del os.environ[SWITCH]


@dataclass(frozen=True)
class Program:
    """The functions of a world that are written once and run compiled or as they are.

    Attributes:
        modules: Modules with `KERNELS`, functions each after those that it calls, and `LOOPS`,
            functions ``loop(tables, *writes, *reads, begin, end)`` over environments. A module may
            use the kernels of those before it.
        constants: Modules whose constants or functions these use besides.
    """

    modules: tuple[ModuleType, ...]
    constants: tuple[ModuleType, ...] = ()


class Runner:
    """Runs loops over environments: compiled and perhaps in threads, or in plain Python.

    Attributes:
        compiled: Whether numba is used.
        threads: Threads that large batches are split over; only compiled loops gain from them.
        kernels: All kernels and loops by name.
    """

    def __init__(
        self, program: Program, tables: Any, compiled: bool, threads: int | None = None
    ) -> None:
        """Prepares the functions.

        Args:
            program: The world's functions.
            tables: A named tuple of numbers and arrays that every loop gets first.
            compiled: Whether to use numba.
            threads: Threads for large batches; None means one per processor.
        """
        self.compiled = compiled
        self.threads = (threads or default_threads()) if compiled else 1
        self.kernels = jitted(program) if compiled else plain(program)
        self.use(tables)

    def use(self, tables: Any) -> None:
        """Runs the loops with these tables from now on."""
        self._tables = tables if self.compiled else type(tables)(*map(self.constant, tables))

    def __call__(
        self,
        loop: str,
        size: int,
        writes: tuple[NDArray[Any], ...],
        reads: tuple[Any, ...],
    ) -> None:
        """Calls ``loop(tables, *writes, *reads, 0, size)``.

        Args:
            loop: Name of the loop.
            size: Number of environments N.
            writes: Arrays that the loop changes.
            reads: Arrays and numbers that it only looks at.
        """
        function = getattr(self.kernels, loop)
        if self.compiled:
            parts = min(self.threads, size // WORTH_A_THREAD)
            if parts > 1:
                run_split(function, (self._tables, *writes, *reads), size, parts)
            else:
                function(self._tables, *writes, *reads, 0, size)
            return
        lists = [array.tolist() for array in writes]
        function(self._tables, *lists, *map(self.constant, reads), 0, size)
        for array, content in zip(writes, lists, strict=True):
            array[...] = content

    def direct(self, loop: str, *arguments: Any) -> None:
        """Calls ``loop(tables, *arguments)`` with the arguments as they are."""
        getattr(self.kernels, loop)(self._tables, *arguments)

    def constant(self, value: Any) -> Any:
        """An array as this way of running reads it: plain Python indexes lists faster."""
        return value.tolist() if isinstance(value, np.ndarray) and not self.compiled else value


@lru_cache
def plain(program: Program) -> SimpleNamespace:
    """The kernels as they are."""
    names: dict[str, Any] = {}
    for module in program.modules:
        names |= vars(module)
    return SimpleNamespace(**names)


@lru_cache
def jitted(program: Program) -> SimpleNamespace:
    """The kernels compiled; the machine code is cached on disk, so this is slow only once."""
    read = (*program.modules, *program.constants)
    sources = digest_of(*(Path(str(module.__file__)) for module in read))
    names: dict[str, Any] = {}
    compiled: dict[Any, Any] = {}
    for module in program.modules:
        names |= compile_module(module, sources, compiled)
    return SimpleNamespace(**names)


def compile_module(module: ModuleType, sources: str, compiled: dict[Any, Any]) -> dict[str, Any]:
    """Compiles copies of a module's functions that call each other's compiled copies.

    The module itself stays plain: its functions are copied into a namespace of their own, leaf
    functions first, so that by the time numba sees a caller its callees are compiled.

    Kernels are inlined and nothing counts references, which is safe since nothing allocates;
    together this makes the kitchen's loops seven times as fast.

    Args:
        module: The module.
        sources: What `digest_of` says of everything that the machine code depends on.
        compiled: Functions of earlier modules -> their compiled copies; this module's are added.
    """
    import numba

    namespace = {
        name: compiled.get(value, value) if isinstance(value, FunctionType) else value
        for name, value in vars(module).items()
    }
    for function in (*module.KERNELS, *module.LOOPS):
        copy = FunctionType(function.__code__, namespace, function.__name__)
        copy.__qualname__ = f"{function.__qualname__}-{sources}"
        copy.__module__ = function.__module__
        options = {**OPTIONS, "forceinline": function in module.KERNELS}
        namespace[function.__name__] = compiled[function] = numba.njit(**options)(copy)
    return namespace


def digest_of(*sources: Path) -> str:
    """What tells these sources from any other version of them, for the name of cached code.

    numba compares only the file of the function itself, so that after an update it would go on
    with the former version of functions and constants that came from another file.
    """
    content = b"".join(path.read_bytes() for path in sources)
    return hashlib.sha256(content).hexdigest()[:12]


def default_threads() -> int:
    """Processors that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


@lru_cache(maxsize=1)
def helpers() -> ThreadPoolExecutor:
    """Threads that take a part of large batches."""
    return ThreadPoolExecutor(max(1, default_threads() - 1), thread_name_prefix="world")


def run_split(loop: Callable[..., Any], arguments: tuple[Any, ...], size: int, parts: int) -> None:
    """Runs a loop over environments 0 .. size in parts, each in a thread of its own.

    The compiled loops release the interpreter lock, and environments don't depend on each other.
    """
    bounds = [size * part // parts for part in range(parts + 1)]
    waiting = [
        helpers().submit(loop, *arguments, begin, end)
        for begin, end in itertools.pairwise(bounds[1:])
    ]
    loop(*arguments, 0, bounds[1])
    for future in waiting:
        future.result()
