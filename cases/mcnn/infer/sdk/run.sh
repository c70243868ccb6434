#!/bin/bash
# Counts people through the SDK's streams: bash run.sh ../test_data/images/ ../test_data/ground_truth_csv/ [options of main.py]
# PYTHON names the interpreter that the SDK's modules belong to (default python3).
set -e

if [ -z "${MX_SDK_HOME:-}" ]; then
    echo "run.sh: MX_SDK_HOME is not set: source the SDK's set_env.sh, or eval \"\$(omgate emulator env)\" for the emulated one" >&2
    exit 1
fi
export PYTHONPATH="${PYTHONPATH:+${PYTHONPATH}:}${MX_SDK_HOME}/python"
exec "${PYTHON:-python3}" "$(dirname "${BASH_SOURCE[0]}")/main.py" "$@"
