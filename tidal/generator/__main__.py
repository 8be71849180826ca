"""`python -m tidal.generator [--hooks | --nursery FD]`: the standard library is patched before all other imports."""

from tidal.generator.patching import patch_all

patch_all()

import sys  # noqa: E402 - after the patch


def arguments_here() -> list[str] | None:
    """What this process is to be: as it was told, or as a nursery's child was; None for a nursery at its end."""
    words = sys.argv[1:]
    if "--nursery" not in words:
        return words
    from tidal.generator import nursery  # noqa: PLC0415 - only where there is one

    nursery.prepare()
    return nursery.serve(int(words[-1]))


def run(words: list[str]) -> None:
    """Be a hook host or a generator."""
    if "--hooks" in words:
        from tidal.generator.hookhost import main  # noqa: PLC0415 - one of the two
    else:
        from tidal.generator.main import main  # noqa: PLC0415 - the other
    main()


if __name__ == "__main__":
    found = arguments_here()
    if found is not None:
        run(found)
