#!/bin/bash
# Seconds of a cold deployment of the lab's cluster, by the kit and by a bare parallel shell script in turn: deploy.sh [ROUNDS]
# Both begin on new containers, which playbooks/lab_up.yml makes, with the tarballs in the cache; making them is not counted. Both
# end when every service is right. The containers are removed at the end.
# Functions are called by name, here and on the machines.
# shellcheck disable=SC2329
set -euo pipefail
# Else what fails in $(...) is passed over.
shopt -s inherit_errexit
rounds=${1:-3}
[[ $rounds =~ ^[1-9][0-9]*$ ]] || { echo "rounds is '$rounds': give a number from 1" >&2; exit 2; }
cd "$(dirname "$0")/.."
export LC_ALL=C.UTF-8 PATH="$PWD/.venv/bin:$PATH" ANSIBLE_NOCOLOR=1
machines=(millrace-1 millrace-2 millrace-3)
reports=out/lab

# The cluster of somebody who works on it would be removed.
if [[ -n $(podman ps --all --quiet --filter label=millrace=millrace) ]]; then
  echo "the lab is up: make down first" >&2
  exit 1
fi
work=$(mktemp -d)
log=$work/log

playbook() {
  ansible-playbook --inventory inventories/lab "$@" >>"$log" 2>&1
}

# Machines made anew have the same names: a connection to the old ones would be taken, and never answer.
down() {
  local machine
  if [[ -e $reports/ssh_config ]]; then
    for machine in "${machines[@]}"; do ssh -F "$reports/ssh_config" -O exit "$machine" 2>/dev/null || :; done
  fi
  playbook playbooks/lab_down.yml
}

finish() {
  local status=$?
  trap - EXIT
  down || status=1
  ((status == 0)) || { echo "the end of $reports/bench.log:" >&2; tail -n 40 "$log" >&2; cp "$log" "$reports/bench.log" || :; }
  rm -rf "$work"
  exit "$status"
}
trap finish EXIT

# On a machine: what the kit wrote there, as a tarball.
collect() {
  local units
  cd /
  mapfile -t units < <(find etc/systemd/system -type f -exec grep -lF "Managed by Millrace" {} +)
  tar -c etc/zookeeper etc/kafka etc/hadoop etc/spark etc/profile.d/{zookeeper,kafka,hadoop,spark}.sh opt/java \
    var/lib/zookeeper/myid "${units[@]}"
}

# On a machine: cluster id and voter of its broker.
broker() {
  local id=${HOSTNAME##*-} key value cluster="" directory=""
  while IFS='=' read -r key value; do
    case $key in
      cluster.id) cluster=$value ;;
      directory.id) directory=$value ;;
    esac
  done <"/var/lib/kafka/$id/meta.properties"
  [[ -n $cluster && -n $directory ]] && echo "$cluster $id@$HOSTNAME:9093:$directory"
}

on() {
  { echo "set -euo pipefail"; declare -f "$2"; echo "$2"; } | ssh -F "$reports/ssh_config" "$1" bash -s
}

take_files() {
  local machine cluster="" voter="" voters=()
  for machine in "${machines[@]}"; do
    on "$machine" collect >"$work/$machine.tar"
    read -r cluster voter <<<"$(on "$machine" broker)"
    [[ -n ${voter-} ]] || { echo "$machine: its broker has no cluster.id or no directory.id" >&2; exit 1; }
    voters+=("$voter")
  done
  echo "$cluster" >"$work/cluster_id"
  (IFS=,; echo "${voters[*]}") >"$work/voters"
  python -c 'import json, sys
for each in json.load(open(sys.argv[1])).values():
    print(each["sha512"], each["tarball"])' "$reports/artifacts.json" >"$work/tarballs"
}

# Seconds of a command on new machines. timed COMMAND...
timed() {
  local began
  down
  playbook playbooks/lab_up.yml
  began=$EPOCHREALTIME
  "$@" >>"$log" 2>&1
  awk -v began="$began" -v ended="$EPOCHREALTIME" 'BEGIN { printf "%.1f\n", ended - began }'
}

kit() {
  playbook site.yml --skip-tags smoke,receipt
}

median() {
  sort -n "$1" | awk '{ seconds[NR] = $1 } END { print (seconds[int((NR + 1) / 2)] + seconds[int(NR / 2) + 1]) / 2 }'
}

echo "a first deployment, not counted: it builds what is missing, and gives the bare script its files (log: $log)"
kit
take_files

for ((round = 1; round <= rounds; round++)); do
  # Who goes first would always find the same page cache: they take turns.
  order=(kit bare)
  ((round % 2)) || order=(bare kit)
  for side in "${order[@]}"; do
    if [[ $side == kit ]]; then command=(kit); else command=(bench/bare_deploy.sh "$work"); fi
    seconds=$(timed "${command[@]}")
    echo "$seconds" >>"$work/$side"
    printf 'round %s  %-4s  %6s s\n' "$round" "$side" "$seconds"
  done
done
kit_median=$(median "$work/kit")
bare_median=$(median "$work/bare")
awk -v kit="$kit_median" -v bare="$bare_median" \
  'BEGIN { printf "median: kit %.1f s, bare %.1f s, ratio %.2f\n", kit, bare, kit / bare }'
