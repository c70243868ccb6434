#!/bin/bash
# Links a test set into test_data/: prepare_test_data.sh [SOURCE]
# SOURCE is a folder with images/ and ground_truth_csv/ (default: this repository's synthetic one).
set -u

here="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)"

refuse() {
    echo "prepare_test_data.sh: $1" >&2
    exit 1
}

[ $# -le 1 ] || refuse "one folder with images/ and ground_truth_csv/ at most; $# given"
case "${1:-}" in
    --help | -h) sed -n '2,3s/^# //p' "${BASH_SOURCE[0]}"; exit 0 ;;
esac
source="${1:-${here}/../data/synthetic}"
[ -d "${source}" ] || refuse "no folder ${source}"
source="$(cd -- "${source}" && pwd)"
for part in images ground_truth_csv; do
    [ -d "${source}/${part}" ] || refuse "no ${part}/ in ${source}$([ -d "${source}/ground_truth" ] &&
        echo ": pytest bench/ derives it from ground_truth/; omgate prepare synthetic DIR draws a whole test set")"
    [ ! -e "${here}/test_data/${part}" ] || [ -L "${here}/test_data/${part}" ] ||
        refuse "test_data/${part} is there and no link: move it away first"
done
for part in images ground_truth_csv; do
    ln -sfn -- "${source}/${part}" "${here}/test_data/${part}" || refuse "test_data/${part} can't be made"
    echo "test_data/${part} -> ${source}/${part}"
done
