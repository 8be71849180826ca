"""What an unchanged file gets when it says `import locust`: tidal's own code under Locust's names.

`install()` puts a finder before all others, so that `locust` and its submodules come from the folder `compat/locust`,
one module for each of Locust's, even where the real Locust is installed. A submodule that is not there raises an
ImportError that names it; a name that a module lacks is named by Python's own message.
"""

from __future__ import annotations

import sys
from importlib.machinery import ModuleSpec, PathFinder
from importlib.util import spec_from_file_location
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import ModuleType

_FOLDER = Path(__file__).parent / "locust"


class LocustFinder:
    """Finds `locust` and what is below it in tidal's own folder, and nowhere else."""

    @classmethod
    def find_spec(
        cls, fullname: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """The spec of one of Locust's modules; None for other packages; ImportError for what tidal does not have."""
        if fullname == "locust":
            return spec_from_file_location("locust", _FOLDER / "__init__.py", submodule_search_locations=[str(_FOLDER)])
        if not fullname.startswith("locust."):
            return None
        spec = PathFinder.find_spec(fullname, path, target)
        if spec is None:
            raise ImportError(f"tidal does not have {fullname}", name=fullname)
        return spec


class ClientFinder:
    """Finds geventhttpclient, asked last: Locust's files import a few names of it, and it comes with Locust."""

    @classmethod
    def find_spec(
        cls, fullname: str, _path: Sequence[str] | None = None, _target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """The spec of the stand-in; None for other packages."""
        if fullname != "geventhttpclient":
            return None
        folder = _FOLDER.parent / fullname
        return spec_from_file_location(fullname, folder / "__init__.py", submodule_search_locations=[str(folder)])


def install(*, patch: bool = True) -> None:
    """From now on `import locust` means tidal; a Locust that was imported before is forgotten.

    A script that uses Locust as a library calls this before it imports anything else:

        import tidal.compat
        tidal.compat.install()
        from locust.env import Environment

    Args:
        patch: make the standard library cooperative, as Locust does when it is imported (LOCUST_SKIP_MONKEY_PATCH in
            the environment prevents it there and here). tidal's own processes have done so before anything else.
    """
    if patch:
        from tidal.generator.patching import patch as patch_process  # noqa: PLC0415 - gevent, for who wants it

        patch_process()
    if LocustFinder in sys.meta_path:
        return
    for name in [n for n in sys.modules if n == "locust" or n.startswith("locust.")]:
        del sys.modules[name]
    sys.meta_path.insert(0, LocustFinder)
    sys.meta_path.append(ClientFinder)
