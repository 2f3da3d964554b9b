# On hadoop-master.
cat > /tmp/exercise-1.json <<'JSON'
{"version": 1, "partitions": [
  {"topic": "exercise-1", "partition": 0, "replicas": [0, 1, 2]},
  {"topic": "exercise-1", "partition": 1, "replicas": [1, 2, 0]},
  {"topic": "exercise-1", "partition": 2, "replicas": [2, 0, 1]}
]}
JSON
kafka-reassign-partitions.sh --zookeeper localhost:2181 --reassignment-json-file /tmp/exercise-1.json --execute
until kafka-reassign-partitions.sh --zookeeper localhost:2181 --reassignment-json-file /tmp/exercise-1.json --verify |
    tee /dev/stderr | grep -c 'completed successfully' | grep -qx 3; do :; done
rm /tmp/exercise-1.json
