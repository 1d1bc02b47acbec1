"""The made-up network in the processes of the jobs of a scan with ``--dask``.

Python imports the module ``sitecustomize`` at its start. The benchmark ``parts_large`` puts the directory of this
module into PYTHONPATH, which the workers and the processes of the jobs inherit. The product has no code for this.
"""

import sys

if "scanner.cli.scale_child" in sys.orig_argv:
    from tests.bench import made_up

    made_up.install()
