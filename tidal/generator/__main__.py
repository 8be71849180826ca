"""`python -m tidal.generator [--hooks | --nursery FD [NAMED]]`: the library is patched before all else."""

from tidal.generator.patching import patch_all

patch_all()

import sys  # noqa: E402 - after the patch


def arguments_here() -> list[str] | None:
    """What this process is to be: as it was told, or as a nursery's child was; None for a nursery at its end."""
    words = sys.argv[1:]
    if "--nursery" not in words:
        return words
    from tidal.generator import nursery  # noqa: PLC0415 - only where there is one

    _, fd, *named = words
    nursery.prepare(named)
    return nursery.serve(int(fd), named)


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
