#!/usr/bin/env bash
# ruff, and what ruff cannot say (tools/check_style.py).
set -euo pipefail
exec python3 tools/dev.py test -e lint
