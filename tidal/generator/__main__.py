"""`python -m tidal.generator [--hooks]`: the standard library is patched before anything else is imported."""

from gevent import monkey

monkey.patch_all()

import sys  # noqa: E402 - after the patch

if __name__ == "__main__":
    if "--hooks" in sys.argv[1:]:
        from tidal.generator.hookhost import main
    else:
        from tidal.generator.main import main
    main()
