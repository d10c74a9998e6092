#!/usr/bin/env bash
# The test suite under AddressSanitizer and UndefinedBehaviorSanitizer.
set -euo pipefail
exec python3 tools/dev.py test -e sanitize
