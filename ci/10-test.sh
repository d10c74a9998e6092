#!/usr/bin/env bash
# The README's test command: environment, one build of every wheel, and the whole test suite against the wheels.
set -euo pipefail
exec python3 tools/dev.py test
