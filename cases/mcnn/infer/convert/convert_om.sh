#!/bin/bash
# Converts MCNN to an .om file with atc; ends with atc's exit status. --help says how.
set -u

usage() {
    cat <<'TEXT'
usage: bash convert_om.sh --model=FILE --output=NAME [--soc_version=CHIP] [--input_shape=SHAPE]

Converts MCNN to NAME.om with CANN's atc (or the emulated one, which makes files for the emulated SDK alone).
  --model=FILE         the exported network: an .air (MindSpore on Ascend) or an .onnx
  --output=NAME        the file to write, without its ending .om
  --soc_version=CHIP   "Ascend" and the name that npu-smi info shows (default Ascend310)
  --input_shape=SHAPE  name and dimensions of the input (default x:1,1,1024,1024 for an .air, what the file says for an .onnx;
                       one without fixed sizes needs it, such as im_data:1,1,1024,1024)

Example: bash convert_om.sh --model=../model/mcnn.air --output=../model/mcnn
TEXT
}

refuse() {
    echo "convert_om.sh: $1" >&2
    echo "convert_om.sh: bash convert_om.sh --help says more" >&2
    exit 1
}

model=""
output=""
soc_version="Ascend310"
input_shape=""
for argument in "$@"; do
    case "${argument}" in
        --help | -h) usage; exit 0 ;;
        --model=*) model="${argument#*=}" ;;
        --output=*) output="${argument#*=}" ;;
        --soc_version=*) soc_version="${argument#*=}" ;;
        --input_shape=*) input_shape="${argument#*=}" ;;
        *) refuse "no such option: ${argument}" ;;
    esac
done

[ -n "${model}" ] || refuse "--model=FILE is missing"
[ -n "${output}" ] || refuse "--output=NAME is missing"
[ -n "${soc_version}" ] || refuse "--soc_version= is empty"
[ -f "${model}" ] || refuse "--model=${model}: no such file; export the network first"
# Framework numbers are atc's. An input of an .onnx is called as its exporter called it, and its size is in the file: atc reads both.
case "${model}" in
    *.air) framework=1; input_shape="${input_shape:-x:1,1,1024,1024}" ;;
    *.onnx) framework=5 ;;
    *) refuse "--model=${model}: must end in .air or .onnx" ;;
esac
command -v atc >/dev/null || refuse "no atc here: source CANN's set_env.sh, or eval \"\$(omgate emulator env)\" for the emulated one"

atc "--model=${model}" "--framework=${framework}" "--output=${output}" "--soc_version=${soc_version}" \
    --input_format=NCHW ${input_shape:+"--input_shape=${input_shape}"}
