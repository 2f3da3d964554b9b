"""A machine that an older kit deployed is moved to the present layout by a gated roll, and loses nothing."""

from __future__ import annotations

from kafka import KafkaConsumer, KafkaProducer, TopicPartition

from tests.live import CLUSTER, Site

TOPIC = "older-kit"

# As the kit wrote it until November 2026: one directory a version, JAVA_HOME of the release.
UNIT = """\
# Managed by Millrace: change the inventory, not this file.
[Unit]
After=network-online.target
ConditionPathExists=/var/lib/kafka/%i/meta.properties
Description=Apache Kafka broker %i
Wants=network-online.target

[Service]
Environment="JAVA_HOME={java}"
Environment="KAFKA_HEAP_OPTS=-Xms256m -Xmx256m"
Environment="LOG_DIR=/var/log/kafka"
ExecStart=/opt/kafka/bin/kafka-server-start.sh /etc/kafka/server-%i.properties
ExecStartPre=/usr/bin/sh -c 'exec sha256sum {record} > $RUNTIME_DIRECTORY/config.sha256'
Group=kafka
LogsDirectory=kafka
ReadWritePaths=/var/lib/kafka
RuntimeDirectory=kafka/%i
SuccessExitStatus=143
Type=exec
User=kafka

[Install]
WantedBy=multi-user.target
"""


def test_a_machine_of_an_older_kit_is_moved_by_a_roll(site: Site) -> None:
    assert CLUSTER.kafka
    broker = CLUSTER.kafka.brokers[0]
    machine, bootstrap = CLUSTER.machines[broker.host], CLUSTER.kafka.bootstrap
    with_acks = KafkaProducer(bootstrap_servers=bootstrap, acks="all")
    sent = [with_acks.send(TOPIC, str(number).encode()) for number in range(500)]
    assert all(each.get(60) for each in sent)
    java = machine.run("readlink -f /opt/java").strip()
    unit = UNIT.format(java=java, record="/etc/systemd/system/kafka@.service /opt/kafka/.artifact")
    old = f"kafka-{CLUSTER.kafka.version}"
    machine.run(
        f"systemctl stop {broker.unit}; set -e; now=$(readlink -f /opt/kafka); mv $now /opt/{old}; "
        f"ln -sfn {old} /opt/kafka; cat > /etc/systemd/system/kafka@.service <<'UNIT'\n{unit}UNIT\n"
        f"systemctl daemon-reload; systemctl start {broker.unit}",
        timeout=120,
    )
    site.check("kafka")
    before = site.units()
    run = site.run("--tags", "kafka")
    assert run.rc == 0, run.output
    assert site.restarted_since(before) == {(broker.host, broker.unit)}
    assert machine.run("readlink /opt/kafka").startswith(f"{old}-")
    assert "/opt/java" in machine.run("cat /etc/systemd/system/kafka@.service")
    more = [with_acks.send(TOPIC, str(number).encode()) for number in range(500, 1000)]
    assert all(each.get(60) for each in more)
    with_acks.close()
    consumer = KafkaConsumer(
        bootstrap_servers=bootstrap, auto_offset_reset="earliest", consumer_timeout_ms=20_000
    )
    consumer.assign([TopicPartition(TOPIC, each) for each in consumer.partitions_for_topic(TOPIC) or ()])
    found = {int(record.value) for record, _ in zip(consumer, range(1000), strict=False)}
    consumer.close()
    assert set(range(1000)) - found == set()
    again = site.run("--tags", "kafka")
    assert (again.rc, set(again.changed.values())) == (0, {0}), again.output
