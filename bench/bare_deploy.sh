#!/bin/bash
# The lab's cluster by a plain parallel shell script, without plan, comparison or gates between the steps: bare_deploy.sh FILES
# It works on the lab's three containers, which are new. FILES holds what bench/deploy.sh took from a cluster that the kit had
# deployed: MACHINE.tar, the files of each machine; cluster_id and voters of Kafka; and tarballs, a line "SHA-512 FILE" each.
# Functions are called by name, here and on the machines.
# shellcheck disable=SC2329
set -euo pipefail
# Else what fails in $(...) is passed over.
shopt -s inherit_errexit
files=$(realpath "$1")
cd "$(dirname "$0")/.."
export LC_ALL=C.UTF-8 PATH="$PWD/.venv/bin:$PATH"
machines=(millrace-1 millrace-2 millrace-3)
reports=out/lab

# Run a function of this script on a machine: on MACHINE FUNCTION ARGUMENT...
on() {
  local machine=$1 function=$2
  shift
  {
    echo "set -euo pipefail"
    declare -f awaited hadoop "$function"
    printf '%q ' "$@"
    echo
  } | ssh -F "$reports/ssh_config" "$machine" bash -s
}

# Run a function of this script for all machines at once: together FUNCTION; it is given a machine.
together() {
  local machine pids=() pid
  for machine in "${machines[@]}"; do
    "$1" "$machine" &
    pids+=("$!")
  done
  for pid in "${pids[@]}"; do wait "$pid"; done
}

# On a machine: wait, a minute at most, until something listens. awaited HOST PORT
awaited() {
  local end=$((SECONDS + 60))
  until (exec 3<>"/dev/tcp/$1/$2") 2>/dev/null; do
    ((SECONDS < end)) || { echo "$1:$2 does not listen" >&2; exit 1; }
    sleep 0.1
  done
}

# On a machine: one of Hadoop's commands as its user. hadoop COMMAND...
hadoop() {
  runuser -u hdfs -- env JAVA_HOME=/opt/java HADOOP_CONF_DIR=/etc/hadoop HADOOP_ROOT_LOGGER=WARN,console \
    HADOOP_OPTS="-XX:+UseSerialGC -XX:TieredStopAtLevel=1" /opt/hadoop/bin/hdfs "$@"
}

# On a machine: users, directories and unpacked tarballs. prepare SHA-512 FILE ...
prepare() {
  local name user folder stem pids=() pid
  for name in zookeeper kafka hadoop; do groupadd --system "$name"; done
  for name in zookeeper kafka; do
    useradd --system --gid "$name" --no-create-home --home-dir "/var/lib/$name" --shell /usr/sbin/nologin "$name"
  done
  for user in hdfs yarn mapred spark; do
    useradd --system --gid hadoop --no-create-home --home-dir "/var/lib/$user" --shell /usr/sbin/nologin "$user"
  done
  install -d -o zookeeper -g zookeeper -m 0750 /var/lib/zookeeper
  install -d -o kafka -g kafka -m 0750 /var/lib/kafka
  install -d -o spark -g hadoop -m 0750 /var/lib/spark
  install -d -g hadoop -m 0775 /var/log/hadoop
  install -d -o hdfs -g hadoop /var/lib/hdfs
  install -d -o hdfs -g hadoop -m 0700 /var/lib/hdfs/{name,journal,namesecondary,data}
  install -d -o yarn -g hadoop /var/lib/yarn /var/lib/yarn/local /var/log/yarn-containers
  while (($#)); do
    stem=$(basename "$2" .tar)
    folder=/opt/$stem
    (
      mkdir "$folder"
      # Read once, unpacked and summed at the same time; sha512sum sees the end when tar has ended, too, whose output it is.
      sum=$(tee >(tar -x -C "$folder" --strip-components=1 --no-same-owner) <"/var/cache/millrace/$2" | sha512sum)
      [[ ${sum%% *} == "$1" ]] || { echo "$2 is not what its lock says" >&2; exit 1; }
      echo "$1" >"$folder/.artifact"
      ln -s "$stem" "/opt/${stem%%-*}"
    ) &
    pids+=("$!")
    shift 2
  done
  for pid in "${pids[@]}"; do wait "$pid"; done
}

# On a machine: what needs nothing else. begin MACHINE
begin() {
  systemctl daemon-reload
  systemctl enable --quiet zookeeper hdfs-journalnode hdfs-datanode yarn-nodemanager "kafka@${1##*-}"
  [[ $1 == millrace-3 ]] || systemctl enable --quiet hdfs-namenode hdfs-zkfc yarn-resourcemanager
  [[ $1 != millrace-3 ]] || systemctl enable --quiet mapred-historyserver spark-historyserver
  systemctl start zookeeper hdfs-journalnode
}

# On a machine: format Kafka and HDFS, start all daemons but the history servers. start MACHINE CLUSTER_ID VOTERS
start() {
  local id=${1##*-} host broker
  (
    runuser -u kafka -- env JAVA_HOME=/opt/java KAFKA_HEAP_OPTS=-Xmx128m \
      KAFKA_JVM_PERFORMANCE_OPTS="-XX:+UseSerialGC -XX:TieredStopAtLevel=1" /opt/kafka/bin/kafka-storage.sh format \
      --cluster-id "$2" --config "/etc/kafka/server-$id.properties" --initial-controllers "$3" >/dev/null
    systemctl start "kafka@$id"
  ) &
  broker=$!
  for host in millrace-1 millrace-2 millrace-3; do
    awaited "$host" 2181
    awaited "$host" 8485
  done
  case $1 in
    millrace-1)
      hadoop namenode -format -nonInteractive
      systemctl start hdfs-namenode
      ;;
    millrace-2)
      hadoop zkfc -formatZK -nonInteractive
      awaited millrace-1 8020
      hadoop namenode -bootstrapStandby -nonInteractive
      systemctl start hdfs-namenode
      ;;
  esac
  [[ $1 == millrace-3 ]] || systemctl start hdfs-zkfc yarn-resourcemanager
  systemctl start hdfs-datanode yarn-nodemanager
  wait "$broker"
}

# On a machine: the directories of HDFS, as hdfs_directories of roles/hdfs/defaults/main.yml has them.
make_directories() {
  local pids=() pid
  hadoop dfs -mkdir -p /tmp /user/root /user/spark /spark-history /mr-history/tmp /mr-history/done /yarn-logs
  hadoop dfs -chmod 1777 /tmp /spark-history /mr-history/tmp /yarn-logs &
  pids+=("$!")
  hadoop dfs -chmod 0770 /mr-history/done &
  pids+=("$!")
  hadoop dfs -chmod 0750 /user/root /user/spark &
  pids+=("$!")
  for pid in "${pids[@]}"; do wait "$pid"; done
  pids=()
  hadoop dfs -chown root:hadoop /user/root &
  pids+=("$!")
  hadoop dfs -chown spark:hadoop /user/spark /spark-history &
  pids+=("$!")
  hadoop dfs -chown -R mapred:hadoop /mr-history &
  pids+=("$!")
  hadoop dfs -chown yarn:hadoop /yarn-logs &
  pids+=("$!")
  for pid in "${pids[@]}"; do wait "$pid"; done
}

# On a machine.
start_history() {
  systemctl start mapred-historyserver spark-historyserver
}

install_machine() {
  on "$1" prepare "${tarballs[@]}"
  ssh -F "$reports/ssh_config" "$1" tar -x -C / <"$files/$1.tar"
  on "$1" begin "$1"
}

start_machine() {
  on "$1" start "$1" "$(<"$files/cluster_id")" "$(<"$files/voters")"
}

# Its wait is the kit's own. What it asks stands on the screen only when it fails.
check() {
  local said
  said=$(python -m smoke check --cluster "$reports/cluster.json" --name lab --timeout 180 "$@" 2>&1) ||
    { echo "$said" >&2; exit 1; }
}

read -r -d '' -a tarballs <"$files/tarballs" || :
together install_machine
together start_machine
check --only zookeeper hdfs kafka
on millrace-1 make_directories
on millrace-3 start_history
check
