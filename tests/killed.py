"""A command line that dies at a chosen moment."""

#: Arguments: module, name and number of the call before which it sends itself the named signal; then the command.
CHILD = """
import importlib, os, signal, sys
import mondeq_hw.cli, mondeq_hw.pipeline, mondeq_hw.search
module, name, count = sys.argv[1], sys.argv[2], int(sys.argv[3])
target = importlib.import_module(module)
original = getattr(target, name)
def counted(*args, **options):
    global count
    count -= 1
    if count == 0:
        os.kill(os.getpid(), getattr(signal, sys.argv[4]))
    return original(*args, **options)
setattr(target, name, counted)
sys.exit(mondeq_hw.cli.main(sys.argv[5:]))
"""
