"""``python -m fristwerk_verify``."""

import sys

from fristwerk_verify.cli import main

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
