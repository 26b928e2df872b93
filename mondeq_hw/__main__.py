"""``mondeq-hw`` and ``python -m mondeq_hw``: the command line."""

import sys


def run() -> int:
    """Load and run it; Ctrl-C ends the second of loading as it ends the rest."""
    try:
        from .cli import main

        return main()
    except KeyboardInterrupt:
        return 130


if __name__ == "__main__":
    sys.exit(run())
