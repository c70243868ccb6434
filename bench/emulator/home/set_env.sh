# Source this file: exports what the SDK's own set_env.sh does, for the emulated home.
if [ -n "${BASH_SOURCE:-}" ] && [ -e "$(dirname "${BASH_SOURCE}")/EMULATED" ]; then
    MX_SDK_HOME="$(cd "$(dirname "${BASH_SOURCE}")" && pwd)"
else
    MX_SDK_HOME=@HOME@
fi
export MX_SDK_HOME
export ASCEND_HOME="${ASCEND_HOME:-${MX_SDK_HOME}}"
export GST_PLUGIN_SCANNER="${MX_SDK_HOME}/opensource/libexec/gstreamer-1.0/gst-plugin-scanner"
export GST_PLUGIN_PATH="${MX_SDK_HOME}/opensource/lib/gstreamer-1.0:${MX_SDK_HOME}/lib/plugins"
case ":${LD_LIBRARY_PATH:-}:" in
    *":${MX_SDK_HOME}/lib:"*) ;;
    *) LD_LIBRARY_PATH="${MX_SDK_HOME}/lib${LD_LIBRARY_PATH:+:${LD_LIBRARY_PATH}}" ;;
esac
case ":${PATH:-}:" in
    *":${MX_SDK_HOME}/bin:"*) ;;
    *) PATH="${MX_SDK_HOME}/bin${PATH:+:${PATH}}" ;;
esac
case ":${PYTHONPATH:-}:" in
    *":${MX_SDK_HOME}/python:"*) ;;
    *) PYTHONPATH="${MX_SDK_HOME}/python${PYTHONPATH:+:${PYTHONPATH}}" ;;
esac
export LD_LIBRARY_PATH PATH PYTHONPATH
