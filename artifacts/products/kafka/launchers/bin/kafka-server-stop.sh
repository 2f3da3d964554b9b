#!/bin/bash
# Stops the Kafka servers of this machine; with --process-role=ROLE or --node-id=ID only those whose file says so.
# SIGNAL chooses the signal (TERM).
role='' node=''
for option; do
    case $option in
        --process-role=*) role=${option#*=} ;;
        --node-id=*) node=${option#*=} ;;
        *) echo "USAGE: ${0##*/} [--process-role=ROLE] [--node-id=ID]" >&2 && exit 1 ;;
    esac
done

# setting KEY DEFAULT: what the server of the words $words has for a key, by its file or by --override
setting() {
    printf '%s\n' "$(sed -n "s/^[[:space:]]*$1[[:space:]]*=[[:space:]]*//p" "$file")" "${words[@]}" |
        sed -n "s/^$1=//p; 1p" | tail -n 1
}

stopped=0
for directory in /proc/[0-9]*; do
    mapfile -d '' -t words 2>/dev/null <"$directory/cmdline" || continue
    file=''
    for i in "${!words[@]}"; do
        [[ ${words[i]} == kafka.Kafka ]] && file=${words[i + 1]}
    done
    [[ -n $file ]] || continue
    [[ $file == /* ]] || file=$directory/cwd/$file
    [[ -z $role || ,$(setting process.roles), == *,"$role",* ]] || continue
    [[ -z $node || $(setting node.id) == "$node" ]] || continue
    kill -s "${SIGNAL:-TERM}" "${directory#/proc/}" && stopped=$((stopped + 1))
done
if [[ $stopped -eq 0 ]]; then
    echo "No kafka server to stop" >&2
    exit 1
fi
