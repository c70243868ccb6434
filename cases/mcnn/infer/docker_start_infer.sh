#!/bin/bash
# Starts a shell in an inference image, with the device and the data in it. --help says how.
set -u

usage() {
    cat <<'TEXT'
usage: bash docker_start_infer.sh [--device N] [--dry-run] IMAGE DATA_PATH

Starts IMAGE with an Ascend device, the driver of this machine and the folder DATA_PATH, which keeps its path inside.
  --device N  of /dev/davinciN (default 0)
  --dry-run   print the command, start nothing
DOCKER names the command to use (default docker).

Example: bash docker_start_infer.sh infer-modelzoo:21.0.2 /home/me/mcnn
TEXT
}

refuse() {
    echo "docker_start_infer.sh: $1" >&2
    echo "docker_start_infer.sh: bash docker_start_infer.sh --help says more" >&2
    exit 2
}

dry_run=""
device=0
while [ $# -gt 0 ]; do
    case "$1" in
        --help | -h) usage; exit 0 ;;
        --dry-run) dry_run=yes; shift ;;
        --device) [ $# -ge 2 ] || refuse "--device needs a number"; device="$2"; shift 2 ;;
        --device=*) device="${1#--device=}"; shift ;;
        --) shift; break ;;
        -*) refuse "no such option: $1" ;;
        *) break ;;
    esac
done
case "${device}" in
    "" | *[!0-9]*) refuse "--device: seen ${device}, expected a number" ;;
esac
[ $# -eq 2 ] || refuse "IMAGE and DATA_PATH are needed; $# given"
image="$1"
[ -n "${image}" ] || refuse "IMAGE is empty"
case "${image}" in
    -*) refuse "IMAGE can't begin with a dash: ${image}" ;;
esac
[ -d "$2" ] || refuse "DATA_PATH is no folder: $2"
# docker takes absolute paths alone. The letter keeps what $() would cut: line breaks at a name's end.
data="$(cd -- "$2" && printf '%sx' "${PWD}")" || refuse "DATA_PATH can't be entered: $2"
data="${data%x}"
case "${data}" in
    *:*) refuse "docker can't mount a path with a colon: ${data}" ;;
esac

command=("${DOCKER:-docker}" run -it
    "--device=/dev/davinci${device}"
    --device=/dev/davinci_manager
    --device=/dev/devmm_svm
    --device=/dev/hisi_hdc
    -v /usr/local/Ascend/driver:/usr/local/Ascend/driver
    -v "${data}:${data}"
    "${image}" /bin/bash)
if [ -n "${dry_run}" ]; then
    printf '%q ' "${command[@]}"
    echo
    exit 0
fi
exec "${command[@]}"
