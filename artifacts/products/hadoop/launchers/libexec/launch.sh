#!/bin/bash
# Starts a command of hadoop, hdfs, yarn or mapred: bin/<program> are links to this file, and the program and its
# command are looked up in the launch table beside it. Options and environment variables are upstream's.
set -f # option variables are split into words below, never expanded to file names
program=${0##*/}
launcher=$(readlink -f "${BASH_SOURCE[0]}")
# without links: class-data archives compare the paths of jars
HADOOP_HOME=$(readlink -f "${HADOOP_HOME:-${launcher%/*/*}}")
table=$HADOOP_HOME/libexec/commands

usage() {
    echo "Usage: $program [--config DIR] [--loglevel LEVEL] [--debug] [--daemon (start|stop|status)] COMMAND [ARGUMENT...]"
    [[ $program != hadoop ]] || echo "   or: hadoop [OPTIONS] CLASSNAME [ARGUMENT...]"
    local kind
    for kind in daemon client; do
        echo && echo "  ${kind^} commands:"
        awk -v p="$program" -v k=$kind '$1 == p && $3 == k {print "    " $2}' "$table"
        [[ $kind == daemon ]] || printf '    %s\n' classpath envvars jnipath
    done
}

fail() {
    echo "ERROR: $1" >&2
    exit 1
}

mode=''
while [[ $# -gt 0 ]]; do
    case $1 in
        --config) HADOOP_CONF_DIR=$2 YARN_CONF_DIR='' ;;
        --loglevel) HADOOP_ROOT_LOGGER=$2,console HADOOP_DAEMON_ROOT_LOGGER=$2,RFA ;;
        --daemon) mode=$2 ;;
        --debug) set -x && shift && continue ;;
        --help | -help | -h | help | --h | '--?' | '-?' | '?') usage && exit ;;
        --*) fail "$1: no such option" ;;
        *) break ;;
    esac
    shift 2 || fail "$1 wants a value"
done
if [[ $# -eq 0 ]]; then
    usage
    exit 1
fi
command=$1 && shift

# The commands that were hadoop's before there was another program.
if [[ $program == hadoop ]]; then
    case $command in
        balancer | datanode | dfs | dfsadmin | dfsgroups | fetchdt | fsck | namenode | oiv | portmap | secondarynamenode)
            program=hdfs
            ;;
        job | pipes | queue) program=mapred ;;
    esac
    command=${command/#dfsgroups/groups}
    [[ $program == hadoop ]] || echo "DEPRECATED: use $program $command" >&2
fi

HADOOP_COMMON_HOME=$HADOOP_HOME HADOOP_HDFS_HOME=$HADOOP_HOME
HADOOP_YARN_HOME=$HADOOP_HOME HADOOP_MAPRED_HOME=$HADOOP_HOME

# Hadoop 2 had other variables for yarn and for mapred; where both are set the older ones count, as they do for upstream.
older_variables() {
    local prefix suffix older
    case $program in
        yarn) prefix=YARN ;;
        mapred) prefix=HADOOP_MAPRED ;;
        *) return ;;
    esac
    for suffix in CLIENT_OPTS HEAPSIZE IDENT_STRING LOG_DIR OPTS PID_DIR ROOT_LOGGER STOP_TIMEOUT USER_CLASSPATH_FIRST; do
        older=${prefix}_$suffix
        [[ -z ${!older} ]] || printf -v "HADOOP_$suffix" %s "${!older}"
    done
    [[ $program != yarn ]] || HADOOP_CLASSPATH=${YARN_USER_CLASSPATH:-$HADOOP_CLASSPATH}
}
[[ $program != yarn ]] || HADOOP_CONF_DIR=${YARN_CONF_DIR:-$HADOOP_CONF_DIR}
older_variables
# The files give all clients a heap, which upstream's do not: one that the caller asks for is to count as it does there.
asked=''
[[ -n $HADOOP_CLIENT_OPTS ]] || asked=${HADOOP_HEAPSIZE_MAX:-$HADOOP_HEAPSIZE}

HADOOP_CONF_DIR=${HADOOP_CONF_DIR:-$HADOOP_HOME/etc/hadoop}
[[ -d $HADOOP_CONF_DIR ]] || fail "$HADOOP_CONF_DIR is no directory"
export HADOOP_HOME HADOOP_CONF_DIR HADOOP_COMMON_HOME HADOOP_HDFS_HOME HADOOP_YARN_HOME HADOOP_MAPRED_HOME
# shellcheck source=/dev/null
[[ ! -f $HADOOP_CONF_DIR/hadoop-env.sh ]] || . "$HADOOP_CONF_DIR/hadoop-env.sh"
# shellcheck source=/dev/null
[[ $program == hadoop || ! -f $HADOOP_CONF_DIR/$program-env.sh ]] || . "$HADOOP_CONF_DIR/$program-env.sh"
older_variables
HADOOP_LOG_DIR=${HADOOP_LOG_DIR:-$HADOOP_HOME/logs}
HADOOP_PID_DIR=${HADOOP_PID_DIR:-/tmp}
HADOOP_IDENT_STRING=${HADOOP_IDENT_STRING:-${USER:-$(id -un)}}

# Explicit jars in one order, whatever the locale, and the configuration directory behind them (upstream has it in
# front; no jar has a *-site.xml): class-data archives want the same jars in the same order and allow a directory only
# at the end.
classpath() {
    local LC_ALL=C IFS=:
    set +f
    shopt -s nullglob
    local jars=("$HADOOP_HOME"/share/hadoop/{common,common/lib,hdfs,yarn,mapreduce,tools/lib}/*.jar)
    set -f
    local path=${jars[*]}:$HADOOP_CONF_DIR
    [[ ! -d $HADOOP_HOME/share/hadoop/hdfs/webapps ]] || path+=:$HADOOP_HOME/share/hadoop/hdfs
    if [[ -n $HADOOP_CLASSPATH && -n $HADOOP_USER_CLASSPATH_FIRST ]]; then
        echo "$HADOOP_CLASSPATH:$path"
    else
        echo "$path${HADOOP_CLASSPATH:+:$HADOOP_CLASSPATH}"
    fi
}
CLASSPATH=$(classpath)
export CLASSPATH

while read -r row_program row_command kind class arguments; do
    [[ $row_program == "$program" && $row_command == "$command" ]] && break
done <"$table"
if [[ $row_program != "$program" ]]; then
    kind=client class=$command arguments=''
    case $command in
        classpath)
            [[ $# -gt 0 ]] || { echo "$CLASSPATH" && exit; }
            class=org.apache.hadoop.util.Classpath
            ;;
        envvars)
            for variable in JAVA_HOME HADOOP_HOME HADOOP_CONF_DIR HADOOP_LOG_DIR HADOOP_PID_DIR HADOOP_COMMON_HOME \
                HADOOP_HDFS_HOME HADOOP_YARN_HOME HADOOP_MAPRED_HOME; do
                echo "$variable='${!variable}'"
            done
            exit
            ;;
        jnipath) echo "$JAVA_LIBRARY_PATH" && exit ;;
        *.*) ;;
        *) usage >&2 && fail "$command is not COMMAND nor fully qualified CLASSNAME." ;;
    esac
fi

logfile=hadoop-$HADOOP_IDENT_STRING-$command-$HOSTNAME
pidfile=$HADOOP_PID_DIR/hadoop-$HADOOP_IDENT_STRING-$command.pid
running() {
    [[ -f $pidfile ]] && kill -0 "$(<"$pidfile")" 2>/dev/null
}
[[ -z $mode || $kind == daemon ]] || fail "$command is no daemon"
case $mode in
    '' | start) ;;
    status)
        running && echo "$command is running as process $(<"$pidfile")." && exit
        [[ ! -f $pidfile ]] || { echo "$command is dead, but $pidfile exists." && exit 1; }
        echo "$command is not running."
        exit 3
        ;;
    stop)
        if running; then
            pid=$(<"$pidfile")
            kill "$pid"
            timeout "${HADOOP_STOP_TIMEOUT:-5}" tail -s 0.1 --pid="$pid" -f /dev/null || kill -9 "$pid"
        fi
        rm -f "$pidfile"
        exit
        ;;
    *) fail "--daemon wants start, stop or status" ;;
esac

# name PREFIX SUFFIX: a variable of this command alone
name() {
    local name=$1_${command}_$2
    name=${name^^}
    echo "${name//[^A-Z0-9_]/_}"
}
# Hadoop 2 had other names
case $program in
    hdfs) older=hadoop ;;
    mapred) older=hadoop_job ;;
    *) older=$program ;;
esac
own_options=$(name "$program" OPTS)
older_options=$(name "$older" OPTS)
own_heap=$(name "$older" HEAPSIZE)
# a plain number is in megabytes
size() {
    [[ $1 == *[!0-9]* ]] && echo "$1" || echo "$1m"
}
java=${JAVA_HOME:+$JAVA_HOME/bin/}java
logger=${HADOOP_ROOT_LOGGER:-INFO,console}
[[ $mode != start ]] || logger=${HADOOP_DAEMON_ROOT_LOGGER:-INFO,RFA}
options=${HADOOP_OPTS--Djava.net.preferIPv4Stack=true}
[[ $kind == daemon ]] || options+=" $HADOOP_CLIENT_OPTS ${asked:+-Xmx$(size "$asked")}"
options+=" ${!own_options:-${!older_options}}"
# heap TYPE SIZE: a size among the options wins
heap() {
    [[ -z $2 || $options == *-$1* ]] || options="-$1$(size "$2") $options"
}
heap Xms "$HADOOP_HEAPSIZE_MIN"
heap Xmx "${!own_heap:-${HADOOP_HEAPSIZE_MAX:-$HADOOP_HEAPSIZE}}" # the last is of Hadoop 2
properties=("-Dhadoop.log.dir=$HADOOP_LOG_DIR" "-Dhadoop.log.file=$logfile.log" "-Dhadoop.home.dir=$HADOOP_HOME"
    "-Dhadoop.id.str=$HADOOP_IDENT_STRING" "-Dhadoop.root.logger=$logger"
    "-Dhadoop.policy.file=${HADOOP_POLICYFILE:-hadoop-policy.xml}"
    "-Dhadoop.security.logger=${HADOOP_SECURITY_LOGGER:-INFO,NullAppender}")
[[ $program != yarn ]] || properties+=("-Dyarn.log.dir=$HADOOP_LOG_DIR" "-Dyarn.log.file=$logfile.log"
    "-Dyarn.home.dir=$HADOOP_HOME" "-Dyarn.root.logger=$logger")
[[ -z $HDFS_AUDIT_LOGGER ]] || properties+=("-Dhdfs.audit.logger=$HDFS_AUDIT_LOGGER")
[[ -z $JAVA_LIBRARY_PATH ]] || properties+=("-Djava.library.path=$JAVA_LIBRARY_PATH")

# shellcheck disable=SC2206
line=("$java" "-Dproc_$command" "${properties[@]}" $options "$class" $arguments "$@")
[[ $mode == start ]] || exec "${line[@]}"

running && fail "$command is running as process $(<"$pidfile"). Stop it first."
mkdir -p "$HADOOP_LOG_DIR" "$HADOOP_PID_DIR" || exit
nohup "${line[@]}" >"$HADOOP_LOG_DIR/$logfile.out" 2>&1 </dev/null &
echo $! >"$pidfile" || exit
# it may die at once, of a wrong file or a taken port
if timeout 1 tail -s 0.1 --pid=$! -f /dev/null; then
    rm -f "$pidfile"
    fail "$command died at once: see $HADOOP_LOG_DIR/$logfile.out"
fi
