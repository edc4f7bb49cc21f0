"""``python -m twinlab`` is the same as the command ``twinlab``."""

import sys

from twinlab.cli import main

if __name__ == "__main__":
    sys.exit(main())
