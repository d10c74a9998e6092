"""What runs in worker processes has to be importable there by name."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent / "children"))
