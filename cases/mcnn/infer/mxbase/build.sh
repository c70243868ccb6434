#!/bin/bash
# Builds ./Mcnn. Needs MX_SDK_HOME (source the SDK's set_env.sh), cmake and a C++ compiler; ends with the status of what failed.
#   MXBASE_INCLUDE    folder of the MxBase headers (default $MX_SDK_HOME/include)
#   MXBASE_BUILD_DIR  folder to build in           (default build, beside this script)
#   MXBASE_OUTPUT     folder that gets Mcnn        (default the one of this script)
#   ASCEND_HOME       where CANN is                (default /usr/local/Ascend, if that is there)
set -e

here="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)"

absolute() {
    case "$1" in
        /*) printf '%s\n' "$1" ;;
        *) printf '%s\n' "$(pwd)/$1" ;;
    esac
}

if [ -z "${MX_SDK_HOME:-}" ]; then
    echo "build.sh: MX_SDK_HOME is not set: source the SDK's set_env.sh, or eval \"\$(omgate emulator env)\" for the emulated one" >&2
    exit 1
fi
if ! command -v cmake >/dev/null; then
    echo "build.sh: no cmake here: install it (apt-get install cmake g++)" >&2
    exit 1
fi
if [ -z "${ASCEND_HOME:-}" ] && [ -d /usr/local/Ascend ]; then
    export ASCEND_HOME=/usr/local/Ascend
fi
export ASCEND_VERSION="${ASCEND_VERSION:-nnrt/latest}"
export ARCH_PATTERN="${ARCH_PATTERN:-.}"
if [ -n "${MXBASE_INCLUDE:-}" ]; then
    MXBASE_INCLUDE="$(absolute "${MXBASE_INCLUDE}")"
    export MXBASE_INCLUDE
fi
build="$(absolute "${MXBASE_BUILD_DIR:-${here}/build}")"
output="$(absolute "${MXBASE_OUTPUT:-${here}}")"

mkdir -p "${build}" "${output}"
cd "${build}"
cmake "${here}"
make -j"$(nproc 2>/dev/null || echo 1)"

# By a new name, so that a program that is running keeps its file.
cp Mcnn "${output}/.Mcnn.new"
mv -f "${output}/.Mcnn.new" "${output}/Mcnn"
echo "build.sh: ${output}/Mcnn"
