#!/bin/bash
# Makes the empty data directories of a server: zkServer-initialize.sh [--configfile=FILE] [--myid=ID] [--force].
# Only with --force in the place of data that is there.
ZOOBINDIR=$(readlink -f "${BASH_SOURCE[0]}")
ZOOBINDIR=${ZOOBINDIR%/*}
. "$ZOOBINDIR/zkEnv.sh"

myid='' force=''
while [[ $# -gt 0 ]]; do
    case $1 in
        --configfile=?*) ZOOCFG=${1#*=} ;;
        --myid=?*) myid=${1#*=} ;;
        --configfile | --myid) set -- "$1=$2" "${@:3}" && continue ;;
        --force) force=1 ;;
        *) echo "Usage: ${0##*/} [--configfile=FILE] [--myid=ID] [--force]" >&2 && exit 1 ;;
    esac
    shift
done

data=$(zk_setting dataDir)
log=$(zk_setting dataLogDir)
if [[ -z $data ]]; then
    echo "Unable to determine dataDir from $ZOOCFG" >&2
    exit 1
fi
for directory in "$data" ${log:+"$log"}; do
    if [[ -z $force && -d $directory/version-2 ]]; then
        echo "There is data in $directory: only --force removes it" >&2
        exit 1
    fi
done
for directory in "$data" ${log:+"$log"}; do
    rm -rf "$directory/version-2" "$directory/myid"
    mkdir -p "$directory/version-2" || exit
done
if [[ -n $myid ]]; then
    echo "$myid" >"$data/myid"
else
    echo "No myid given: an ensemble needs one in $data/myid"
fi
touch "$data/initialize"
