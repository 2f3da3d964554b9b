#!/bin/bash
# Starts a ZooKeeper tool. bin/<name>.sh are links to this file: the name it is called by is looked up in the launch
# table beside it.
name=${0##*/}
home=$(readlink -f "${BASH_SOURCE[0]}")
ZOOBINDIR=${home%/*/*}/bin
. "$ZOOBINDIR/zkEnv.sh"

while read -r script class; do
    [[ $script == "$name" ]] && break
done <"$ZOOKEEPER_PREFIX/libexec/commands"
if [[ $script != "$name" ]]; then
    echo "$name: not in $ZOOKEEPER_PREFIX/libexec/commands" >&2
    exit 1
fi
# shellcheck disable=SC2086
exec "$JAVA" "-Dzookeeper.log.dir=$ZOO_LOG_DIR" "-Dzookeeper.log.file=${ZOO_LOG_FILE:-zookeeper-$USER-cli-$HOSTNAME.log}" \
    $CLIENT_JVMFLAGS $JVMFLAGS "$class" "$@"
