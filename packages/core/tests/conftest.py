import sys
from pathlib import Path

# The table of samples is a plain package beside the tests; other packages' tests reach it by path too.
sys.path.insert(0, str(Path(__file__).parent))
