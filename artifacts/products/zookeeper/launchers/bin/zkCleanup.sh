#!/bin/bash
# Removes old snapshots and transaction logs: zkCleanup.sh -n COUNT keeps the newest COUNT (3 at least).
ZOOBINDIR=$(readlink -f "${BASH_SOURCE[0]}")
ZOOBINDIR=${ZOOBINDIR%/*}
. "$ZOOBINDIR/zkEnv.sh"

data=$(zk_setting dataDir)
log=$(zk_setting dataLogDir)
# shellcheck disable=SC2086
exec "$JAVA" "-Dzookeeper.log.dir=$ZOO_LOG_DIR" "-Dzookeeper.log.file=${ZOO_LOG_FILE:-zookeeper-$USER-cleanup-$HOSTNAME.log}" \
    $JVMFLAGS org.apache.zookeeper.server.PurgeTxnLog "${log:-$data}" "$data" "$@"
