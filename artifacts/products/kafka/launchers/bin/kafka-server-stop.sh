#!/bin/bash
# Stops the Kafka servers of this machine; with --process-role=ROLE or --node-id=ID only those whose file says so.
# SIGNAL chooses the signal (TERM). Called zookeeper-server-stop.sh it stops the ZooKeeper servers.
class=kafka.Kafka product=kafka
if [[ ${0##*/} == zookeeper-* ]]; then
    class=org.apache.zookeeper.server.quorum.QuorumPeerMain product=zookeeper
fi
role='' node=''
for option; do
    case $option in
        --process-role=*) role=${option#*=} ;;
        --node-id=*) node=${option#*=} ;;
        *) echo "USAGE: ${0##*/} [--process-role=ROLE] [--node-id=ID]" >&2 && exit 1 ;;
    esac
done

# setting KEY: what the server of the words $words has for a key, by its file or by --override. The file of a server in
# a container is not to be seen from outside.
setting() {
    printf '%s\n' "$(sed -n "s/^[[:space:]]*$1[[:space:]]*=[[:space:]]*//p" "$file" 2>/dev/null)" "${words[@]}" |
        sed -n "s/^$1=//p; 1p" | tail -n 1
}

stopped=0
for directory in /proc/[0-9]*; do
    mapfile -d '' -t words 2>/dev/null <"$directory/cmdline" || continue
    file=''
    for i in "${!words[@]}"; do
        [[ ${words[i]} == "$class" ]] && file=${words[i + 1]}
    done
    [[ -n $file ]] || continue
    [[ $file == /* ]] || file=$directory/cwd/$file
    [[ -z $role || ,$(setting process.roles), == *,"$role",* ]] || continue
    if [[ -n $node ]]; then
        id=$(setting node.id)
        [[ ${id:-$(setting broker.id)} == "$node" ]] || continue
    fi
    kill -s "${SIGNAL:-TERM}" "${directory#/proc/}" && stopped=$((stopped + 1))
done
if [[ $stopped -eq 0 ]]; then
    echo "No $product server to stop" >&2
    exit 1
fi
