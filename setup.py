"""Build of the C++ core (pybind11) and of esbt.hooks (Cython). Flags are portable on purpose: no -march=native, no -ffast-math.

ESBT_SANITIZE=address,undefined builds a checked core (see scripts/sanitize.sh for how to run the tests under it).
"""

import os
from pathlib import Path

from Cython.Build import cythonize
from pybind11.setup_helpers import ParallelCompile, Pybind11Extension
from setuptools import Extension, setup

ParallelCompile("ESBT_BUILD_JOBS", default=0).install()

sanitize = os.environ.get("ESBT_SANITIZE", "")
# No trapping and no errno: loops may be vectorised, values stay the same.
compile_args = ["-O3", "-ffp-contract=off", "-fno-trapping-math", "-fno-math-errno", "-fvisibility=hidden", "-Wall", "-Wextra"]
link_args: list[str] = []
if sanitize:
    compile_args = [
        "-O1",
        "-g",
        "-fno-omit-frame-pointer",
        "-ffp-contract=off",
        "-Wall",
        "-Wextra",
        f"-fsanitize={sanitize}",
        "-fno-sanitize-recover=undefined",
    ]
    link_args = [f"-fsanitize={sanitize}"]

core = Pybind11Extension(
    "esbt._core",
    sorted(map(str, Path("csrc/bind").glob("*.cpp"))),
    include_dirs=["csrc"],
    depends=sorted(map(str, [*Path("csrc").rglob("*.h*"), *Path("csrc").rglob("*.inc")])),
    cxx_std=20,
    extra_compile_args=compile_args,
    extra_link_args=link_args,
)
hooks = Extension(
    "esbt.hooks",
    ["esbt/hooks.pyx"],
    include_dirs=["csrc"],
    depends=["csrc/esbt/hook.h", "esbt/hooks.pxd"],
    language="c++",
    extra_compile_args=["-std=c++20", *(a for a in compile_args if not a.startswith("-W"))],
    extra_link_args=link_args,
)
setup(ext_modules=[core, *cythonize([hooks], language_level=3)])
