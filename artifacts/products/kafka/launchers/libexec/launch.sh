#!/bin/bash
# Starts a Kafka program. bin/<name>.sh are links to this file: the name it is called by is looked up in the launch
# table beside it: name, class (- where the caller names it), log4j file, daemon's name or -, heap [-- first arguments].
# Options and environment variables are those of upstream's kafka-run-class.sh and its callers.
set -f # option variables are split into words below, never expanded to file names
name=${0##*/}
home=$(readlink -f "${BASH_SOURCE[0]}")
home=${home%/*/*}
LOG_DIR=${LOG_DIR:-$home/logs}

while read -r script class logging daemon heap; do
    [[ $script == "$name" ]] && break
done <"$home/libexec/commands"
if [[ $script != "$name" ]]; then
    echo "$name: not in $home/libexec/commands" >&2
    exit 1
fi
first=''
if [[ $heap == *' -- '* ]]; then
    first=${heap#* -- } heap=${heap% -- *}
fi

# Where upstream names its daemons by EXTRA_ARGS, so do we; for the other tools a leading -name is their own option.
if [[ $daemon != - ]]; then
    if [[ $# -eq 0 ]]; then
        echo "USAGE: $name [-daemon] [-name NAME] [-loggc] FILE.properties [OPTION...]" >&2
        exit 1
    fi
    # shellcheck disable=SC2086
    set -- ${EXTRA_ARGS--name $daemon -loggc} "$@"
fi
background='' loggc=''
if [[ $daemon != - || $class == - ]]; then
    while [[ $# -gt 0 ]]; do
        case $1 in
            -daemon) background=1 ;;
            -loggc) loggc=1 ;;
            -name) daemon=$2 && shift ;;
            *) break ;;
        esac
        shift
    done
fi
if [[ $class == - ]]; then
    if [[ $# -eq 0 ]]; then
        echo "USAGE: $name [-daemon] [-name NAME] [-loggc] CLASSNAME [OPTION...]" >&2
        exit 1
    fi
    class=$1 && shift
fi

# Explicit jars in one order, whatever the locale: a wildcard's order is the file system's.
jars() {
    local LC_ALL=C IFS=:
    set +f
    local list=("$home"/libs/*.jar)
    set -f
    echo "${list[*]}"
}
CLASSPATH=${CLASSPATH:+$CLASSPATH:}$(jars)
export CLASSPATH

java=${JAVA_HOME:+$JAVA_HOME/bin/}java
config=$home/config/$logging
# Connect logs as the servers do, unless it has a file of its own
[[ -e $config ]] || config=$home/config/${logging#connect-}
# log4j 1 warns when it finds no file, log4j 2 does not
[[ -e $config || $logging != tools-*.properties ]] || config=$home/libexec/$logging
# shellcheck disable=SC2206
log4j=($KAFKA_LOG4J_OPTS)
if [[ -z $KAFKA_LOG4J_OPTS && -e $config ]]; then
    case $logging in
        *.yaml) log4j=("-Dlog4j2.configurationFile=$config") ;;
        *) log4j=("-Dlog4j.configuration=file:$config") ;;
    esac
fi
KAFKA_HEAP_OPTS=${KAFKA_HEAP_OPTS:-$heap}
KAFKA_JVM_PERFORMANCE_OPTS=${KAFKA_JVM_PERFORMANCE_OPTS:--server -XX:+UseG1GC -XX:MaxGCPauseMillis=20 -XX:InitiatingHeapOccupancyPercent=35 -XX:+ExplicitGCInvokesConcurrent -Djava.awt.headless=true}
KAFKA_JMX_OPTS=${KAFKA_JMX_OPTS:--Dcom.sun.management.jmxremote=true -Dcom.sun.management.jmxremote.authenticate=false -Dcom.sun.management.jmxremote.ssl=false}
if [[ -n $JMX_PORT ]]; then
    KAFKA_JMX_OPTS+=" -Dcom.sun.management.jmxremote.port=$JMX_PORT"
    # one port for a firewall, unless another was chosen
    [[ $KAFKA_JMX_OPTS == *jmxremote.rmi.port=* ]] || KAFKA_JMX_OPTS+=" -Dcom.sun.management.jmxremote.rmi.port=$JMX_PORT"
fi
if [[ -n $KAFKA_DEBUG ]]; then
    JAVA_DEBUG_OPTS=${JAVA_DEBUG_OPTS:--agentlib:jdwp=transport=dt_socket,server=y,suspend=${DEBUG_SUSPEND_FLAG:-n},address=${JAVA_DEBUG_PORT:-5005}}
    echo "Enabling Java debug options: $JAVA_DEBUG_OPTS" >&2
    KAFKA_OPTS="$JAVA_DEBUG_OPTS $KAFKA_OPTS"
fi

if [[ -n $background || -n $loggc ]]; then
    mkdir -p "$LOG_DIR" || exit
fi
gc=()
if [[ -n $loggc && -z $KAFKA_GC_LOG_OPTS ]]; then
    gclog=$LOG_DIR/${daemon/#-/kafka}-gc.log
    if [[ $("$java" -version 2>&1) == *'"1.8.'* ]]; then
        gc=("-Xloggc:$gclog" -XX:+PrintGCDetails -XX:+PrintGCDateStamps -XX:+UseGCLogFileRotation
            -XX:NumberOfGCLogFiles=10 -XX:GCLogFileSize=100M)
    else
        gc=("-Xlog:gc*:file=$gclog:time,tags:filecount=10,filesize=100M")
    fi
fi

# Paths may hold spaces, so each is a word of its own; the option variables are upstream's lists of words.
# shellcheck disable=SC2206
command=("$java" $KAFKA_HEAP_OPTS $KAFKA_JVM_PERFORMANCE_OPTS $KAFKA_GC_LOG_OPTS "${gc[@]}" $KAFKA_JMX_OPTS
    "-Dkafka.logs.dir=$LOG_DIR" "${log4j[@]}" $KAFKA_OPTS "$class" $first "$@")
if [[ -n $background ]]; then
    nohup "${command[@]}" >"$LOG_DIR/${daemon/#-/kafka}.out" 2>&1 </dev/null &
else
    exec "${command[@]}"
fi
