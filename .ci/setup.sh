#!/usr/bin/env bash
# Installs the browser in which the tests open a report; without it those tests are skipped.
set -euo pipefail
for browser in chromium chromium-browser google-chrome; do
    if command -v "$browser" >/dev/null; then exit 0; fi
done
if [ "$(id -u)" -eq 0 ] && command -v apt-get >/dev/null; then
    export DEBIAN_FRONTEND=noninteractive
    apt-get update -qq
    apt-get install -y -qq --no-install-recommends chromium >/dev/null
else
    echo "no Chromium here, tests that open a report will be skipped; install the package chromium" >&2
fi
