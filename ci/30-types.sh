#!/usr/bin/env bash
# mypy over the installed wheels.
set -euo pipefail
exec python3 tools/dev.py test -e types
