#!/bin/bash
# Runs a ZooKeeper server: zkServer.sh [--config DIR] COMMAND [FILE], FILE being zoo.cfg or another in the same directory.
ZOOBINDIR=$(readlink -f "${BASH_SOURCE[0]}")
ZOOBINDIR=${ZOOBINDIR%/*}
if [[ $1 == --config ]]; then
    ZOOCFGDIR=$2
    shift 2
fi
[[ -z $2 ]] || ZOOCFG=$2
. "$ZOOBINDIR/zkEnv.sh"

jmx=()
if [[ $JMXDISABLE != true ]]; then
    jmx=(-Dcom.sun.management.jmxremote "-Dcom.sun.management.jmxremote.local.only=${JMXLOCALONLY:-false}")
    if [[ -n $JMXPORT ]]; then
        jmx+=("-Dcom.sun.management.jmxremote.port=$JMXPORT" "-Dcom.sun.management.jmxremote.rmi.port=$JMXPORT"
            "-Dcom.sun.management.jmxremote.authenticate=${JMXAUTH:-true}"
            "-Dcom.sun.management.jmxremote.ssl=${JMXSSL:-false}")
        [[ -z $JMXHOSTNAME ]] || jmx+=("-Djava.rmi.server.hostname=$JMXHOSTNAME")
    fi
fi
autocreate=()
[[ -z $ZOO_DATADIR_AUTOCREATE_DISABLE ]] || autocreate=(-Dzookeeper.datadir.autocreate=false)
# shellcheck disable=SC2206
server=("$JAVA" "-Dzookeeper.log.dir=$ZOO_LOG_DIR"
    "-Dzookeeper.log.file=${ZOO_LOG_FILE:-zookeeper-$USER-server-$HOSTNAME.log}"
    -XX:+HeapDumpOnOutOfMemoryError -XX:+ExitOnOutOfMemoryError
    $SERVER_JVMFLAGS $JVMFLAGS "${autocreate[@]}" "${jmx[@]}" org.apache.zookeeper.server.quorum.QuorumPeerMain "$ZOOCFG")

# shellcheck disable=SC2086
client() {
    "$JAVA" $CLIENT_JVMFLAGS $JVMFLAGS "$@"
}

pid_file() {
    echo "${ZOOPIDFILE:-$(zk_setting dataDir)/zookeeper_server.pid}"
}

running() {
    [[ -f $(pid_file) ]] && kill -0 "$(<"$(pid_file)")" 2>/dev/null
}

start() {
    if running; then
        echo "Starting zookeeper ... already running as process $(<"$(pid_file)")."
        exit 1
    fi
    mkdir -p "$ZOO_LOG_DIR" "$(dirname "$(pid_file)")" || exit
    nohup "${server[@]}" >"$ZOO_LOG_DIR/zookeeper-$USER-server-$HOSTNAME.out" 2>&1 </dev/null &
    echo $! >"$(pid_file)" || exit
    # it may die at once, of a wrong file or a taken port
    if timeout 1 tail -s 0.1 --pid=$! -f /dev/null; then
        rm -f "$(pid_file)"
        echo "Starting zookeeper ... FAILED TO START: see $ZOO_LOG_DIR"
        exit 1
    fi
    echo "Starting zookeeper ... STARTED"
}

stop() {
    if [[ ! -f $(pid_file) ]]; then
        echo "Stopping zookeeper ... no zookeeper to stop (could not find file $(pid_file))"
        return
    fi
    local pid
    pid=$(<"$(pid_file)")
    ! kill "$pid" 2>/dev/null || timeout 10 tail -s 0.1 --pid="$pid" -f /dev/null || kill -9 "$pid"
    rm -f "$(pid_file)"
    echo "Stopping zookeeper ... STOPPED"
}

# Where this server listens for clients, and whether with TLS: clientPort, or what follows the semicolon of its own line
# of the ensemble, or secureClientPort.
client_address() {
    local host port dynamic own tls=false
    host=$(zk_setting clientPortAddress)
    port=$(zk_setting clientPort)
    if [[ -z $port ]]; then
        dynamic=$(zk_setting dynamicConfigFile)
        own=$(sed -n "s/^server\.$(cat "$(zk_setting dataDir)/myid" 2>/dev/null)=.*;//p" "${dynamic:-$ZOOCFG}" | tail -n 1)
        port=${own##*:}
        [[ $own != *:* ]] || host=${own%:*}
    fi
    if [[ -z $port ]]; then
        host=$(zk_setting secureClientPortAddress)
        port=$(zk_setting secureClientPort)
        tls=true
    fi
    [[ -n $host && $host != 0.0.0.0 ]] || host=localhost
    echo "$host $tls $port"
}

status() {
    local host tls port mode
    read -r host tls port < <(client_address)
    if [[ -z $port ]]; then
        echo "Client port not found in $ZOOCFG." >&2
        exit 1
    fi
    echo "Client port found: $port. Client address: $host. Client SSL: $tls."
    # 3.4 knows no fourth argument
    local question=("$host" "$port" srvr)
    [[ $tls == false ]] || question+=("$tls")
    mode=$(client org.apache.zookeeper.client.FourLetterWordMain "${question[@]}" 2>/dev/null | grep Mode)
    if [[ -z $mode ]]; then
        echo "Error contacting service. It is probably not running."
        [[ $tls == false ]] || echo "Has CLIENT_JVMFLAGS the client's key store and trust store?"
        exit 1
    fi
    echo "$mode"
}

case $1 in
    start | start-foreground | stop | restart | status | print-cmd) echo "Using config: $ZOOCFG" >&2 ;;
esac
case $1 in
    start) start ;;
    start-foreground) exec "${server[@]}" ;;
    stop) stop ;;
    restart) stop && start ;;
    status) status ;;
    version)
        # the class came with 3.5
        client org.apache.zookeeper.version.VersionInfoMain 2>/dev/null || client org.apache.zookeeper.Version --full
        ;;
    print-cmd) printf '%q ' "${server[@]}" && echo ;;
    *)
        echo "Usage: ${0##*/} [--config DIR] {start|start-foreground|stop|restart|status|version|print-cmd} [FILE]"
        exit 1
        ;;
esac
