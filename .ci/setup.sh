#!/usr/bin/env bash
# Installs the browser in which the tests open a report, and its driver; without them those tests are skipped.
set -euo pipefail
if command -v chromedriver >/dev/null && { command -v chromium || command -v chromium-browser; } >/dev/null; then exit 0; fi
if [ "$(id -u)" -eq 0 ] && command -v apt-get >/dev/null; then
    export DEBIAN_FRONTEND=noninteractive
    apt-get update -qq
    apt-get install -y -qq --no-install-recommends chromium chromium-driver >/dev/null
else
    echo "no Chromium here, tests that open a report will be skipped; install the packages chromium and chromium-driver" >&2
fi
