"""The launchers as they lie in the tarballs, over a fake java that prints how it was called."""

from __future__ import annotations

import os
import subprocess
import sys
import time
import tomllib
import zipfile
from pathlib import Path

import pytest

from artifacts import lock
from artifacts.build import Cache, build
from artifacts.product import PRODUCTS, load
from tests.unit.machine import Call, Host
from tests.unit.readers import read_properties

REAL = sorted(path.parent for path in PRODUCTS.glob("*/*/commands"))
# Those of the current stack come last: /opt/<name> is theirs.
CURRENT = {"hadoop": "3.5.0", "kafka": "4.3.0", "zookeeper": "3.9.5"}
REAL.sort(key=lambda path: CURRENT[path.parent.name] == path.name)
UPSTREAM = tomllib.loads(Path(__file__).with_name("upstream_commands.toml").read_text())
KAFKA_LOG4J_1 = ["kafka-0.8.2.1", "kafka-0.10.2.2"]


def real_cache() -> Path:
    return Path(os.environ.get("MILLRACE_CACHE") or "~/.cache/millrace").expanduser()


@pytest.fixture(scope="module")
def host(tmp_path_factory: pytest.TempPathFactory) -> Host:
    made = Host(tmp_path_factory.mktemp("host"))
    for directory in REAL:
        made.install(load(directory.parent.name, directory.name))
    return made


def command(host: Host, path: str) -> str:
    return str(host.root / path)


def etc(host: Host, path: str) -> Path:
    return host.root.parent / "etc" / path


# Kafka


def test_kafka_server(host: Host) -> None:
    call = host.java(
        command(host, "kafka/bin/kafka-server-start.sh"), "/etc/a b.properties", "--override", "x=y z"
    )
    assert call.after("kafka.Kafka") == ["/etc/a b.properties", "--override", "x=y z"]
    assert {"-Xmx1G", "-Xms1G", "-XX:+UseG1GC"} <= set(call.words)
    logs = host.root / "kafka-4.3.0" / "logs"
    assert f"-Dkafka.logs.dir={logs}" in call.words
    assert f"-Xlog:gc*:file={logs}/kafkaServer-gc.log:time,tags:filecount=10,filesize=100M" in call.words
    assert not [word for word in call.words if "log4j" in word], "no file is named that is not there"
    jars = call.classpath()
    assert jars == sorted(jars)
    assert len(jars) == len(load("kafka", "4.3.0").locked_parts())
    assert jars[0].startswith(str(host.root / "kafka-4.3.0" / "libs"))


def test_kafka_honours_the_environment(host: Host) -> None:
    call = host.java(
        command(host, "kafka/bin/kafka-server-start.sh"),
        "f",
        KAFKA_HEAP_OPTS="-Xmx77m",
        KAFKA_OPTS="-Done=* -Dtwo=2",
        KAFKA_JVM_PERFORMANCE_OPTS="-XX:+UseSerialGC",
        KAFKA_LOG4J_OPTS="-Dmine",
        KAFKA_JMX_OPTS="-Djmx",
        JMX_PORT="9999",
        KAFKA_GC_LOG_OPTS="-Xlog:mine",
        CLASSPATH="/extra/*",
        LOG_DIR="/nonexistent logs",
        EXTRA_ARGS="-name other",
    )
    wanted = ["-Xmx77m", "-XX:+UseSerialGC", "-Xlog:mine", "-Djmx", "-Dmine", "-Done=*", "-Dtwo=2"]
    assert [word for word in call.words if word in wanted] == wanted
    assert "-Dkafka.logs.dir=/nonexistent logs" in call.words
    assert "-Dcom.sun.management.jmxremote.port=9999" in call.words
    assert not [
        word for word in call.words if word in ("-Xmx1G", "-Xms1G", "-XX:+UseG1GC") or "gc.log" in word
    ]
    assert call.classpath()[0] == "/extra/*"


def test_kafka_tool(host: Host) -> None:
    words = ["--create", "--topic", "a b", "-name", "x", "*", ""]
    call = host.java(command(host, "kafka/bin/kafka-topics.sh"), *words)
    assert call.after("org.apache.kafka.tools.TopicCommand") == words
    assert "-Xmx256M" in call.words
    assert not [word for word in call.words if "gc.log" in word]
    assert (
        "-Xmx512M"
        in host.java(command(host, "kafka/bin/kafka-console-producer.sh"), KAFKA_OPTS="-Da=b").words
    )


def test_kafka_log4j_file_of_the_configuration_directory(host: Host) -> None:
    files = etc(host, "kafka/log4j2.yaml"), etc(host, "kafka/tools-log4j2.yaml")
    for file in files:
        file.touch()
    try:
        server = host.java(command(host, "kafka/bin/kafka-server-start.sh"), "f")
        tool = host.java(command(host, "kafka/bin/kafka-acls.sh"))
    finally:
        for file in files:
            file.unlink()
    config = host.root / "kafka-4.3.0" / "config"
    assert f"-Dlog4j2.configurationFile={config}/log4j2.yaml" in server.words
    assert f"-Dlog4j2.configurationFile={config}/tools-log4j2.yaml" in tool.words


def test_kafka_run_class(host: Host) -> None:
    program = command(host, "kafka/bin/kafka-run-class.sh")
    call = host.java(program, "-name", "mill", "-loggc", "a.B", "-daemon", "c d")
    assert call.after("a.B") == ["-daemon", "c d"]
    assert [word for word in call.words if "mill-gc.log" in word]
    assert host.run(program).returncode == 1


@pytest.mark.parametrize("version", KAFKA_LOG4J_1)
def test_kafka_gc_log_of_java_8(host: Host, version: str) -> None:
    call = host.java(command(host, f"{version}/bin/kafka-server-start.sh"), "f", FAKE_JAVA="1.8.0_504")
    assert [word for word in call.words if "gc" in word.lower() and "log" in word.lower()] == [
        f"-Xloggc:{host.root / version}/logs/kafkaServer-gc.log",
        "-XX:+UseGCLogFileRotation",
        "-XX:NumberOfGCLogFiles=10",
        "-XX:GCLogFileSize=100M",
    ]
    assert {"-XX:+PrintGCDetails", "-XX:+PrintGCDateStamps", "-Xmx1G", "-Xms1G"} <= set(call.words)


@pytest.mark.parametrize("version", KAFKA_LOG4J_1)
def test_kafka_with_log4j_1(host: Host, version: str) -> None:
    """The files of the configuration directory; without them the tools have one that is quiet."""

    def configured() -> list[list[str]]:
        commands = [
            ["kafka-server-start.sh", "f"],
            ["kafka-topics.sh"],
            ["kafka-run-class.sh", "kafka.tools.GetOffsetShell"],
        ]
        calls = [host.java(command(host, f"{version}/bin/{name}"), *words) for name, *words in commands]
        return [[word for word in call.words if "log4j" in word] for call in calls]

    home = host.root / version
    fallback = f"-Dlog4j.configuration=file:{home}/libexec/tools-log4j.properties"
    assert configured() == [[], [fallback], [fallback]]
    assert (home / "libexec" / "tools-log4j.properties").is_file()
    files = etc(host, "kafka/log4j.properties"), etc(host, "kafka/tools-log4j.properties")
    for file in files:
        file.touch()
    try:
        server, tool, tool_by_class = configured()
    finally:
        for file in files:
            file.unlink()
    assert server == [f"-Dlog4j.configuration=file:{home}/config/log4j.properties"]
    assert tool == tool_by_class == [f"-Dlog4j.configuration=file:{home}/config/tools-log4j.properties"]


@pytest.mark.parametrize("version", KAFKA_LOG4J_1)
def test_kafka_brings_zookeeper(host: Host, version: str) -> None:
    server = host.java(command(host, f"{version}/bin/zookeeper-server-start.sh"), "/a b.properties")
    assert server.after(SERVER) == ["/a b.properties"]
    assert {"-Xmx512M", "-Xms512M"} <= set(server.words)
    assert [word for word in server.words if "zookeeper-gc.log" in word]
    shell = host.java(command(host, f"{version}/bin/zookeeper-shell.sh"), "localhost:2181", "ls", "/a b")
    assert shell.after("org.apache.zookeeper.ZooKeeperMain") == ["-server", "localhost:2181", "ls", "/a b"]
    assert "-Xmx256M" in shell.words
    assert "--" not in shell.words


def test_kafka_jars_of_the_course_by_a_wildcard(host: Host) -> None:
    """javac -cp "$KAFKA_HOME/libs/*" needs plain files, and the clients and the old consumer among them."""
    names = {path.name for path in (host.root / "kafka-0.8.2.1" / "libs").glob("*")}
    assert names == load("kafka", "0.8.2.1").locked_parts().keys()
    assert {"kafka_2.11-0.8.2.1.jar", "kafka-clients-0.8.2.1.jar", "scala-library-2.11.5.jar"} <= names


def test_kafka_daemon_writes_its_console_file(host: Host, tmp_path: Path) -> None:
    logs = tmp_path / "lo gs"
    result = host.run(command(host, "kafka/bin/kafka-server-start.sh"), "-daemon", "f", LOG_DIR=str(logs))
    assert result.returncode == 0
    assert result.stdout == ""
    file = logs / "kafkaServer.out"
    # the shell waits for nobody
    deadline = time.monotonic() + 30
    while not (file.exists() and file.read_text().endswith("\n")):
        assert time.monotonic() < deadline, "the daemon wrote nothing"
        time.sleep(0.01)
    assert Call(file.read_text()).after("kafka.Kafka") == ["f"]


def test_kafka_waits_for_a_debugger(host: Host) -> None:
    program = command(host, "kafka/bin/kafka-topics.sh")
    options = "-agentlib:jdwp=transport=dt_socket,server=y,suspend={},address={}"
    wanted = {
        options.format("n", "5005"): {},
        options.format("y", "*:7"): {"DEBUG_SUSPEND_FLAG": "y", "JAVA_DEBUG_PORT": "*:7"},
        "-Dmy=own": {"JAVA_DEBUG_OPTS": "-Dmy=own"},
    }
    for word, environment in wanted.items():
        words = host.java(program, **environment, KAFKA_DEBUG="y", KAFKA_OPTS="-Dlast").words
        assert words[words.index("-Dlast") - 1] == word
        assert word not in host.java(program, **environment).words


def test_kafka_connect_logs_as_the_servers_unless_it_has_a_file_of_its_own(host: Host) -> None:
    program = command(host, "kafka/bin/connect-mirror-maker.sh")
    servers, own = etc(host, "kafka/log4j2.yaml"), etc(host, "kafka/connect-log4j2.yaml")
    option = f"-Dlog4j2.configurationFile={host.root}/kafka-4.3.0/config"
    try:
        servers.touch()
        call = host.java(program, "f")
        assert call.after("org.apache.kafka.connect.mirror.MirrorMaker") == ["f"]
        assert {f"{option}/log4j2.yaml", "-Xms256M", "-Xmx2G"} <= set(call.words)
        own.touch()
        assert f"{option}/connect-log4j2.yaml" in host.java(program, "f").words
    finally:
        servers.unlink()
        own.unlink()


def test_kafka_has_the_files_of_the_quickstart(host: Host) -> None:
    """Their connectors are in a jar that the worker has on its class path."""
    home = host.root / "kafka-4.3.0"
    assert (home / "libs" / "connect-file-4.3.0.jar").is_file()
    files = {path.stem: read_properties(path.read_text()) for path in (home / "share" / "config").iterdir()}
    assert files.keys() == {
        *("connect-standalone", "connect-distributed", "connect-mirror-maker"),
        *("connect-file-source", "connect-file-sink"),
    }
    assert files["connect-file-source"]["topic"] == files["connect-file-sink"]["topics"] == "connect-test"
    assert files["connect-mirror-maker"]["A->B.enabled"] == "true"


def test_kafka_server_wants_a_file(host: Host) -> None:
    result = host.run(command(host, "kafka/bin/kafka-server-start.sh"))
    assert result.returncode == 1
    assert result.stderr.startswith("USAGE: kafka-server-start.sh")


def test_kafka_server_stop(host: Host, tmp_path: Path) -> None:
    """Of two servers the one with the node id is stopped; a wrong id stops none."""
    file = tmp_path / "s.properties"
    file.write_text("node.id = 7107\nprocess.roles=broker,controller\n")
    sleeper = ["/usr/bin/python3", "-c", "import signal; print(flush=True); signal.pause()", "kafka.Kafka"]
    stop = command(host, "kafka/bin/kafka-server-stop.sh")
    with (
        subprocess.Popen([*sleeper, str(file)], stdout=subprocess.PIPE) as one,
        subprocess.Popen(
            [*sleeper, "s.properties", "--override", "node.id=7108"], stdout=subprocess.PIPE, cwd=tmp_path
        ) as two,
    ):
        assert one.stdout
        assert two.stdout
        one.stdout.readline(), two.stdout.readline()
        assert host.run(stop, "--node-id=7109").returncode == 1
        assert host.run(stop, "--node-id=7107", "--process-role=none").returncode == 1
        assert host.run(stop, "--node-id=7108", "--process-role=controller").returncode == 0
        assert two.wait(10) == -15
        assert one.poll() is None
        assert host.run(stop, "--node-id=7107", SIGNAL="KILL").returncode == 0
        assert one.wait(10) == -9


@pytest.mark.parametrize(
    ("start", "product", "version"),
    [
        ("kafka-0.8.2.1/bin/kafka-server-start.sh", "kafka", "0.10.2.2"),
        ("kafka-0.10.2.2/bin/kafka-server-start.sh", "kafka", "0.8.2.1"),
        ("kafka-0.8.2.1/bin/zookeeper-server-start.sh", "zookeeper", "0.8.2.1"),
        ("zookeeper-3.4.6/bin/zkServer.sh start-foreground", "zookeeper", "0.10.2.2"),
    ],
)
def test_servers_of_the_course_are_stopped(
    host: Host, tmp_path: Path, start: str, product: str, version: str
) -> None:
    """By an id in their file: no other server of the machine that runs this test may be stopped."""
    file = tmp_path / "s.properties"
    file.write_text("broker.id=7110\n")
    java = tmp_path / "bin" / "java"
    java.parent.mkdir()
    java.write_text(f"#!{sys.executable}\nimport signal\nprint(flush=True)\nsignal.pause()\n")
    java.chmod(0o755)

    def stop(product: str, node: int) -> int:
        program = command(host, f"kafka-{version}/bin/{product}-server-stop.sh")
        return host.run(program, f"--node-id={node}").returncode

    path, *words = start.split()
    environment = {"PATH": "/usr/bin:/bin", "JAVA_HOME": str(tmp_path), "EXTRA_ARGS": ""}
    with subprocess.Popen(
        [command(host, path), *words, str(file)], env=environment, stdout=subprocess.PIPE
    ) as server:
        try:
            assert server.stdout
            server.stdout.readline()
            assert stop(product, 7111) == 1
            assert stop("zookeeper" if product == "kafka" else "kafka", 7110) == 1
            assert server.poll() is None
            assert stop(product, 7110) == 0
            assert server.wait(10) == -15
        finally:
            server.kill()


def test_nothing_to_stop_is_told_by_its_name(host: Host) -> None:
    for product in ("kafka", "zookeeper"):
        result = host.run(command(host, f"kafka-0.8.2.1/bin/{product}-server-stop.sh"), "--node-id=7112")
        assert (result.returncode, result.stderr) == (1, f"No {product} server to stop\n")


# ZooKeeper

SERVER = "org.apache.zookeeper.server.quorum.QuorumPeerMain"


@pytest.mark.parametrize("version", ["3.9.5", "3.4.6"])
def test_zookeeper_server_in_the_foreground(host: Host, version: str) -> None:
    call = host.java(command(host, f"zookeeper-{version}/bin/zkServer.sh"), "start-foreground")
    home = host.root / f"zookeeper-{version}"
    assert call.after(SERVER) == [f"{home}/conf/zoo.cfg"]
    assert "-Xmx1000m" in call.words
    assert call.classpath()[-1] == f"{home}/conf"
    assert call.classpath()[:-1] == sorted(call.classpath()[:-1])


def test_zookeeper_honours_the_environment(host: Host, tmp_path: Path) -> None:
    (tmp_path / "java.env").write_text('SERVER_JVMFLAGS="-Dfrom=java.env"\n')
    (tmp_path / "zookeeper-env.sh").write_text('ZOO_LOG_DIR="/lo gs"\n')
    call = host.java(
        command(host, "zookeeper/bin/zkServer.sh"),
        "start-foreground",
        "my.cfg",
        ZOOCFGDIR=str(tmp_path),
        ZK_SERVER_HEAP="64",
        JVMFLAGS="-Dboth=*",
        JMXDISABLE="true",
    )
    assert call.after(SERVER) == [f"{tmp_path}/my.cfg"]
    assert {"-Xmx64m", "-Dfrom=java.env", "-Dboth=*", "-Dzookeeper.log.dir=/lo gs"} <= set(call.words)
    assert not [word for word in call.words if "jmxremote" in word]
    absolute = host.java(command(host, "zookeeper/bin/zkServer.sh"), "start-foreground", "/x/my.cfg")
    assert absolute.after(SERVER) == ["/x/my.cfg"]


def test_zookeeper_client(host: Host) -> None:
    call = host.java(
        command(host, "zookeeper/bin/zkCli.sh"),
        "create",
        "/a b",
        "",
        ZK_CLIENT_HEAP="33",
        CLIENT_JVMFLAGS="-Dc",
    )
    assert call.after("org.apache.zookeeper.ZooKeeperMain") == ["create", "/a b", ""]
    assert {"-Xmx33m", "-Dc"} <= set(call.words)


def test_zookeeper_cleanup_takes_the_directories_of_the_configuration(host: Host, tmp_path: Path) -> None:
    (tmp_path / "zoo.cfg").write_text("dataDir=/da ta\ndataLogDir = /log \n")
    call = host.java(command(host, "zookeeper/bin/zkCleanup.sh"), "-n", "3", ZOOCFGDIR=str(tmp_path))
    assert call.after("org.apache.zookeeper.server.PurgeTxnLog") == ["/log", "/da ta", "-n", "3"]


@pytest.mark.parametrize(
    ("lines", "address"),
    [
        ("clientPort=2222\n", "localhost 2222"),
        ("clientPort=2222\nclientPortAddress=10.0.0.1\n", "10.0.0.1 2222"),
        ("server.1=a:1:2;3333\nserver.2=b:1:2;10.0.0.2:4444\n", "10.0.0.2 4444"),
        ("secureClientPort=5555\nclientPortAddress=10.0.0.1\n", "localhost 5555 tls"),
        ("secureClientPort=5555\nsecureClientPortAddress=10.0.0.3\n", "10.0.0.3 5555 tls"),
        ("clientPort=2222\nsecureClientPort=5555\n", "localhost 2222"),
    ],
    ids=["port", "address", "ensemble", "secure", "secure address", "both"],
)
def test_zookeeper_status_asks_at_the_port(host: Host, tmp_path: Path, lines: str, address: str) -> None:
    (tmp_path / "myid").write_text("2\n")
    (tmp_path / "zoo.cfg").write_text(f"dataDir={tmp_path}\n{lines}")
    (tmp_path / "bin").mkdir()
    java = tmp_path / "bin" / "java"
    java.write_text('#!/bin/sh\nfor word; do last="$last $word"; done; echo "Mode: ${last##*Word}"\n')
    java.chmod(0o755)
    name, port, *tls = address.split()
    words = [command(host, "zookeeper/bin/zkServer.sh"), "--config", str(tmp_path), "status"]
    result = host.run(*words, JAVA_HOME=str(tmp_path))
    assert result.stdout.splitlines() == [
        f"Client port found: {port}. Client address: {name}. Client SSL: {'true' if tls else 'false'}.",
        f"Mode: Main {name} {port} srvr{' true' if tls else ''}",
    ]
    java.write_text("#!/bin/sh\n")
    silent = host.run(*words, JAVA_HOME=str(tmp_path))
    assert silent.returncode == 1
    assert ("CLIENT_JVMFLAGS" in silent.stdout) == bool(tls)


def test_zookeeper_without_a_port(host: Host, tmp_path: Path) -> None:
    (tmp_path / "zoo.cfg").write_text(f"dataDir={tmp_path}\n")
    result = host.run(command(host, "zookeeper/bin/zkServer.sh"), "--config", str(tmp_path), "status")
    assert (result.returncode, result.stdout) == (1, "")
    assert result.stderr.endswith(f"Client port not found in {tmp_path}/zoo.cfg.\n")


def test_zookeeper_jmx_and_data_directories_by_variables(host: Host) -> None:
    program = [command(host, "zookeeper/bin/zkServer.sh"), "start-foreground"]
    wanted = {"-Djava.rmi.server.hostname=mill", "-Dcom.sun.management.jmxremote.port=7"}
    by_variables = {"JMXPORT": "7", "JMXHOSTNAME": "mill", "ZOO_DATADIR_AUTOCREATE_DISABLE": "1"}
    assert {*wanted, "-Dzookeeper.datadir.autocreate=false"} <= set(host.java(*program, **by_variables).words)
    without = " ".join(host.java(*program).words)
    assert "java.rmi.server" not in without
    assert "autocreate" not in without


def test_zookeeper_initialize(host: Host, tmp_path: Path) -> None:
    """Data that is there stays, unless it is forced; the identity is written anew."""
    data, log, file = tmp_path / "da ta", tmp_path / "log", tmp_path / "my.cfg"
    file.write_text(f"dataDir={data}\ndataLogDir={log}\n")
    program = [command(host, "zookeeper/bin/zkServer-initialize.sh"), "--configfile", str(file)]
    assert host.run(*program, "--myid=3").returncode == 0
    assert (data / "myid").read_text() == "3\n"
    assert (data / "initialize").exists()
    (log / "version-2" / "log.1").touch()
    (data / "version-2").rmdir()
    kept = host.run(*program, "--myid", "4")
    assert (kept.returncode, kept.stderr) == (1, f"There is data in {log}: only --force removes it\n")
    assert (log / "version-2" / "log.1").exists()
    assert (data / "myid").read_text() == "3\n"
    assert host.run(*program, "--force").returncode == 0
    assert sorted(path.name for path in data.iterdir()) == ["initialize", "version-2"]
    assert list((log / "version-2").iterdir()) == []
    for words in (["--myid"], ["-h"]):
        assert "Usage: zkServer-initialize.sh" in host.run(*program, *words).stderr
    file.write_text("")
    assert "Unable to determine dataDir" in host.run(*program).stderr


def test_zookeeper_version_of_one_that_has_no_such_class(host: Host, tmp_path: Path) -> None:
    """3.4 tells it by another class; newer ones by the first, and only once."""
    (tmp_path / "bin").mkdir()
    java = tmp_path / "bin" / "java"
    java.write_text('#!/bin/sh\nfor word; do [ "$word" != "$MISSING" ] || exit 1; done\necho "$@"\n')
    java.chmod(0o755)

    def version(missing: str) -> list[str]:
        program = command(host, "zookeeper-3.4.6/bin/zkServer.sh")
        return host.run(program, "version", JAVA_HOME=str(tmp_path), MISSING=missing).stdout.split()

    newer = "org.apache.zookeeper.version.VersionInfoMain"
    assert version(newer)[-2:] == ["org.apache.zookeeper.Version", "--full"]
    assert version("")[-1] == newer


def test_zookeeper_without_a_command(host: Host) -> None:
    result = host.run(command(host, "zookeeper/bin/zkServer.sh"))
    assert result.returncode == 1
    assert "start-foreground" in result.stdout


# Hadoop

NAMENODE = "org.apache.hadoop.hdfs.server.namenode.NameNode"


def test_hadoop_daemon(host: Host) -> None:
    call = host.java(
        command(host, "hadoop/bin/hdfs"),
        "namenode",
        "-format",
        "a b",
        HDFS_NAMENODE_OPTS="-Xmx9m -Dn=*",
        HADOOP_CLIENT_OPTS="-Dclient",
        HADOOP_HEAPSIZE_MAX="100",
        HADOOP_LOG_DIR="/lo gs",
    )
    assert call.after(NAMENODE) == ["-format", "a b"]
    assert {"-Xmx9m", "-Dn=*", "-Dhadoop.log.dir=/lo gs", "-Dhadoop.root.logger=INFO,console"} <= set(
        call.words
    )
    assert "-Xmx100m" not in call.words
    assert "-Dclient" not in call.words
    home = host.root / "hadoop-3.5.0"
    assert {
        call.environment[f"HADOOP_{part}HOME"] for part in ("", "COMMON_", "HDFS_", "YARN_", "MAPRED_")
    } == {str(home)}
    assert call.environment["HADOOP_CONF_DIR"] == f"{home}/etc/hadoop"


@pytest.mark.parametrize("version", ["2.7.2", "3.5.0"])
@pytest.mark.parametrize(
    ("program", "daemon", "newer", "older"),
    [
        ("hdfs", "namenode", "HDFS_NAMENODE_OPTS", "HADOOP_NAMENODE_OPTS"),
        ("hdfs", "datanode", "HDFS_DATANODE_OPTS", "HADOOP_DATANODE_OPTS"),
        ("mapred", "historyserver", "MAPRED_HISTORYSERVER_OPTS", "HADOOP_JOB_HISTORYSERVER_OPTS"),
        ("yarn", "nodemanager", "YARN_NODEMANAGER_OPTS", "YARN_NODEMANAGER_OPTS"),
    ],
)
def test_hadoop_knows_the_option_names_of_hadoop_2(
    host: Host, version: str, program: str, daemon: str, newer: str, older: str
) -> None:
    path = command(host, f"hadoop-{version}/bin/{program}")
    assert {"-Dold", "-Xmx77m"} <= set(
        host.java(path, daemon, **{older: "-Dold", "HADOOP_HEAPSIZE": "77"}).words
    )
    both = {older: "-Dold"} | {newer: "-Dnew", "HADOOP_HEAPSIZE": "77", "HADOOP_HEAPSIZE_MAX": "88"}
    words = host.java(path, daemon, **both).words
    assert {"-Dnew", "-Xmx88m"} <= set(words)
    assert not {"-Dold", "-Xmx77m"} & set(words)


def test_hadoop_2_has_upstreams_layout(host: Host) -> None:
    """The default class paths of YARN and of MapReduce fit, the pages of HDFS are found behind the jars."""
    home = host.root / "hadoop-2.7.2"
    path = host.run(f"{home}/bin/hadoop", "classpath").stdout.strip().split(":")
    assert path[-2:] == [f"{home}/etc/hadoop", f"{home}/share/hadoop/hdfs"]
    assert len(path) - 2 == len(load("hadoop", "2.7.2").locked_parts())
    for jar in (
        "common/hadoop-common",
        "hdfs/hadoop-hdfs",
        "yarn/hadoop-yarn-server-nodemanager",
        "mapreduce/hadoop-mapreduce-client-shuffle",
        "mapreduce/hadoop-mapreduce-examples",
    ):
        assert f"{home}/share/hadoop/{jar}-2.7.2.jar" in path
    webapps = home / "share" / "hadoop" / "hdfs" / "webapps"
    for daemon in ("hdfs", "datanode", "secondary", "journal"):
        assert (webapps / daemon / "WEB-INF" / "web.xml").is_file()
        assert 'href="/static/page.css"' in (webapps / daemon / "index.html").read_text()
    assert (webapps / "static" / "page.css").is_file()
    assert 'href="/webhdfs/v1/?op=LISTSTATUS"' in (webapps / "hdfs" / "index.html").read_text()


def test_hadoop_classpath_is_jars_then_configuration(host: Host) -> None:
    path = (
        host.run(command(host, "hadoop/bin/hadoop"), "classpath", LC_ALL="C.UTF-8").stdout.strip().split(":")
    )
    home = host.root / "hadoop-3.5.0"
    assert path[-1] == f"{home}/etc/hadoop"
    assert all(word.endswith(".jar") for word in path[:-1])
    assert len(path) - 1 == len(load("hadoop", "3.5.0").locked_parts()), (
        "the tests jar makes room for the webapps"
    )
    assert f"{home}/share/hadoop/hdfs/hadoop-hdfs-webapps-3.5.0.jar" in path
    call = host.java(command(host, "hadoop/bin/hadoop"), "fs", HADOOP_CLASSPATH="/mine/*")
    assert call.classpath() == [*path, "/mine/*"]
    first = host.java(
        command(host, "hadoop/bin/hadoop"),
        "fs",
        HADOOP_CLASSPATH="/mine/*",
        HADOOP_USER_CLASSPATH_FIRST="true",
    )
    assert first.classpath() == ["/mine/*", *path]


def test_hadoop_client(host: Host) -> None:
    call = host.java(
        command(host, "hadoop/bin/hdfs"),
        "--loglevel",
        "WARN",
        "dfs",
        "-put",
        "a b",
        "",
        HADOOP_CLIENT_OPTS="-Dclient",
        HADOOP_HEAPSIZE_MAX="100",
        HADOOP_HEAPSIZE_MIN="1g",
        HADOOP_OPTS="-Dmine",
    )
    assert call.after("org.apache.hadoop.fs.FsShell") == ["-put", "a b", ""]
    assert {"-Xmx100m", "-Xms1g", "-Dclient", "-Dmine", "-Dhadoop.root.logger=WARN,console"} <= set(
        call.words
    )


def test_hadoop_reads_the_environment_files(host: Host, tmp_path: Path) -> None:
    (tmp_path / "hadoop-env.sh").write_text("export HADOOP_OPTS=-Denv YARN_RESOURCEMANAGER_OPTS=-Drm\n")
    (tmp_path / "yarn-env.sh").write_text("export HADOOP_LOG_DIR=/yarn\n")
    rm = host.java(command(host, "hadoop/bin/yarn"), "--config", str(tmp_path), "resourcemanager")
    assert {"-Denv", "-Drm", "-Dhadoop.log.dir=/yarn", "-Dyarn.log.dir=/yarn"} <= set(rm.words)
    assert rm.classpath()[-1] == str(tmp_path)
    hdfs = host.java(command(host, "hadoop/bin/hdfs"), "datanode", HADOOP_CONF_DIR=str(tmp_path))
    assert "-Dhadoop.log.dir=/yarn" not in hdfs.words


@pytest.mark.parametrize("version", ["2.7.2", "3.5.0"])
def test_yarn_and_mapred_have_variables_of_their_own(host: Host, tmp_path: Path, version: str) -> None:
    (tmp_path / "hadoop-env.sh").write_text("HADOOP_CLIENT_OPTS=${HADOOP_CLIENT_OPTS:--Xmx1m}\n")
    shared = {
        "HADOOP_OPTS": "-Dshared",
        "HADOOP_LOG_DIR": "/shared",
        "HADOOP_ROOT_LOGGER": "INFO,console",
        "HADOOP_HEAPSIZE": "1",
        "HADOOP_CONF_DIR": "/nonexistent",
    }
    own = {
        "YARN_OPTS": "-Down",
        "YARN_CLIENT_OPTS": "-Dclient",
        "YARN_LOG_DIR": "/own",
        "YARN_ROOT_LOGGER": "WARN,console",
        "YARN_HEAPSIZE": "2",
        "YARN_NODEMANAGER_HEAPSIZE": "3",
        "YARN_CONF_DIR": str(tmp_path),
        "YARN_USER_CLASSPATH": "/mine.jar",
    }
    yarn = command(host, f"hadoop-{version}/bin/yarn")
    loggers = {"-Dyarn.log.dir=/own", "-Dhadoop.log.dir=/own", "-Dyarn.root.logger=WARN,console"}
    client = host.java(yarn, "node", **shared, **own)
    assert {"-Down", "-Dclient", "-Xmx2m", *loggers} <= set(client.words)
    assert str(tmp_path) in client.classpath()
    assert client.classpath()[-1] == "/mine.jar"
    daemon = host.java(yarn, "nodemanager", **shared, **own)
    assert {"-Down", "-Xmx3m", *loggers} <= set(daemon.words)
    assert not {"-Dshared", "-Xmx1m"} & {*client.words, *daemon.words}
    assert "-Dclient" not in daemon.words
    assert "-Xmx9m" in host.java(yarn, "nodemanager", **own, YARN_NODEMANAGER_OPTS="-Xmx9m").words
    chosen = host.java(yarn, "--config", "/", "node", **own)
    assert chosen.environment["HADOOP_CONF_DIR"] == "/", "an option wins over variables"
    history = {"HADOOP_MAPRED_LOG_DIR": "/maps", "HADOOP_JOB_HISTORYSERVER_HEAPSIZE": "4"}
    mapred = command(host, f"hadoop-{version}/bin/mapred")
    assert {"-Dhadoop.log.dir=/maps", "-Xmx4m"} <= set(host.java(mapred, "historyserver", **history).words)


@pytest.mark.parametrize("version", ["2.7.2", "3.5.0"])
def test_hadoop_help_and_debug(host: Host, version: str) -> None:
    for program, name in {"hadoop": "fs", "hdfs": "dfs", "yarn": "node", "mapred": "job"}.items():
        path = command(host, f"hadoop-{version}/bin/{program}")
        for option in ("-h", "-help", "--help", "help"):
            result = host.run(path, option)
            assert (result.returncode, result.stderr) == (0, "")
            assert result.stdout.startswith(f"Usage: {program} ")
        traced = host.run(path, "--debug", "--loglevel", "WARN", name)
        assert "-Dhadoop.root.logger=WARN,console" in Call(traced.stdout).words
        assert "+ exec java" in traced.stderr


@pytest.mark.parametrize("version", ["2.7.2", "3.5.0"])
@pytest.mark.parametrize(
    ("words", "program", "main_class"),
    [
        ("fsck", "hdfs fsck", "org.apache.hadoop.hdfs.tools.DFSck"),
        ("dfsadmin", "hdfs dfsadmin", "org.apache.hadoop.hdfs.tools.DFSAdmin"),
        ("dfsgroups", "hdfs groups", "org.apache.hadoop.hdfs.tools.GetGroups"),
        ("namenode", "hdfs namenode", NAMENODE),
        ("job", "mapred job", "org.apache.hadoop.mapred.JobClient"),
    ],
)
def test_hadoop_still_has_the_commands_of_hdfs_and_mapred(
    host: Host, version: str, words: str, program: str, main_class: str
) -> None:
    result = host.run(
        command(host, f"hadoop-{version}/bin/hadoop"), words, "a b", HADOOP_NAMENODE_OPTS="-Dnamenode"
    )
    call = Call(result.stdout)
    assert call.after(main_class) == ["a b"]
    assert result.stderr == f"DEPRECATED: use {program}\n"
    assert ("-Dnamenode" in call.words) == (words == "namenode")


def test_hadoop_client_heap(host: Host, tmp_path: Path) -> None:
    """A size that the caller asks for wins over one that the files give all clients, an option over both."""
    (tmp_path / "hadoop-env.sh").write_text('export HADOOP_CLIENT_OPTS="${HADOOP_CLIENT_OPTS:--Xmx512m}"\n')

    def sizes(**environment: str) -> list[str]:
        words = host.java(
            command(host, "hadoop/bin/hdfs"), "--config", str(tmp_path), "fsck", **environment
        ).words
        return [word for word in words if word.startswith("-Xmx")]

    assert sizes() == ["-Xmx512m"]
    for variable in ("HADOOP_HEAPSIZE_MAX", "HADOOP_HEAPSIZE"):
        assert sizes(**{variable: "4g"})[-1] == "-Xmx4g"
        assert sizes(**{variable: "4096"})[-1] == "-Xmx4096m"
        assert sizes(**{variable: "1"}, HADOOP_CLIENT_OPTS="-Xmx2g") == ["-Xmx2g"]
        assert sizes(**{variable: "1"}, HADOOP_CLIENT_OPTS="-Da") == ["-Xmx1m"]
        assert sizes(**{variable: "1"}, HDFS_FSCK_OPTS="-Xmx3g")[-1] == "-Xmx3g"


def test_hadoop_fixed_arguments_and_class_names(host: Host) -> None:
    yarn = host.java(command(host, "hadoop/bin/yarn"), "application", "-list")
    assert yarn.after("org.apache.hadoop.yarn.client.cli.ApplicationCLI") == ["application", "-list"]
    jar = host.java(command(host, "hadoop/bin/hadoop"), "jar", "a b.jar", "Main")
    assert jar.after("org.apache.hadoop.util.RunJar") == ["a b.jar", "Main"]
    assert host.java(command(host, "hadoop/bin/hadoop"), "my.Class", "x y").after("my.Class") == ["x y"]


@pytest.mark.parametrize("version", ["2.7.2", "3.5.0"])
@pytest.mark.parametrize("program", ["hadoop", "hdfs", "yarn", "mapred"])
def test_hadoop_usage_lists_every_command(host: Host, program: str, version: str) -> None:
    result = host.run(command(host, f"hadoop-{version}/bin/{program}"))
    assert result.returncode == 1
    rows = [line.split() for line in (PRODUCTS / f"hadoop/{version}/commands").read_text().splitlines()]
    assert {row[1] for row in rows if row[0] == program} <= set(result.stdout.split())
    unknown = host.run(command(host, f"hadoop/bin/{program}"), "nosuch")
    assert unknown.returncode == 1
    assert "nosuch is not COMMAND" in unknown.stderr


def test_hadoop_daemon_life(host: Host, tmp_path: Path) -> None:
    """Start, status, second start, stop and the answers in between; the daemon here is a java that waits."""
    waiting = tmp_path / "jdk" / "bin"
    waiting.mkdir(parents=True)
    (waiting / "java").write_text(f"#!{sys.executable}\nimport signal\nsignal.pause()\n")
    (waiting / "java").chmod(0o755)
    pids, logs = tmp_path / "pid s", tmp_path / "lo gs"

    def daemon(verb: str, jdk: Path = waiting.parent) -> int:
        return host.run(
            command(host, "hadoop/bin/hdfs"), "--daemon", verb, "namenode",
            HADOOP_PID_DIR=str(pids), HADOOP_LOG_DIR=str(logs), JAVA_HOME=str(jdk),
        ).returncode  # fmt: skip

    assert daemon("status") == 3
    assert daemon("start") == 0
    try:
        assert daemon("status") == 0
        assert daemon("start") == 1
    finally:
        assert daemon("stop") == 0
    assert daemon("status") == 3
    assert daemon("start", tmp_path / "nothing") == 1, "a daemon that dies at once did not start"
    assert list(pids.iterdir()) == []


# All


@pytest.mark.parametrize("directory", REAL, ids=lambda path: f"{path.parent.name}-{path.name}")
def test_commands_are_upstreams(host: Host, directory: Path) -> None:
    """All of the release's, but those that are left out for a reason; and none besides."""
    product = load(directory.parent.name, directory.name)
    upstream = UPSTREAM[product.name][product.version]
    left_out = set(upstream.get("without", {}))
    programs = set(upstream["bin"].split())
    binaries = {path.name for path in (host.root / product.stem / "bin").iterdir()}
    assert binaries == programs - left_out
    subcommands = {
        f"{program} {name}" for program in programs & upstream.keys() for name in upstream[program].split()
    }
    assert left_out <= programs | subcommands
    if subcommands:
        rows = [line.split() for line in (directory / "commands").read_text().splitlines()]
        assert {f"{row[0]} {row[1]}" for row in rows} <= subcommands - left_out
    for words in sorted(subcommands):
        program, name = words.split()
        result = host.run(command(host, f"{product.stem}/bin/{program}"), name)
        assert result.returncode == (1 if words in left_out else 0), f"{words}: {result.stderr}"


@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("kafka/bin/kafka-server-start.sh", ("f",)),
        ("zookeeper/bin/zkServer.sh", ("start-foreground",)),
        ("zookeeper/bin/zkCli.sh", ()),
        ("hadoop/bin/hdfs", ("datanode",)),
    ],
)
def test_launcher_becomes_java_and_works_through_links(
    host: Host, tmp_path: Path, path: str, words: tuple[str, ...]
) -> None:
    link = tmp_path / Path(path).name
    link.symlink_to(host.root / path)
    with subprocess.Popen(
        [str(link), *words],
        env={"PATH": f"{host.bin}:/usr/bin:/bin"},
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as process:
        output = process.communicate(timeout=30)[0]
    assert Call(output).pid == process.pid


def test_java_home_goes_before_the_path(host: Host, tmp_path: Path) -> None:
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "java").write_text("#!/bin/sh\necho mine\n")
    (tmp_path / "bin" / "java").chmod(0o755)
    for words in (
        ("kafka/bin/kafka-topics.sh",),
        ("zookeeper/bin/zkCli.sh",),
        ("hadoop/bin/hadoop", "version"),
    ):
        result = host.run(command(host, words[0]), *words[1:], JAVA_HOME=str(tmp_path))
        assert result.stdout == "mine\n"


@pytest.mark.parametrize("directory", REAL, ids=lambda path: f"{path.parent.name}-{path.name}")
def test_launch_table_names_classes_that_are_there(directory: Path) -> None:
    """Needs the built cache (MILLRACE_CACHE): builds what is absent."""
    product = load(directory.parent.name, directory.name)
    cache = Cache(real_cache())
    if not all((cache.parts(product) / name).exists() for name in product.locked_parts()):
        build([product], cache)
    classes: set[str] = set()
    for name, digest in product.locked_parts().items():
        path = cache.parts(product) / name
        assert lock.digest(path) == digest
        with zipfile.ZipFile(path) as archive:
            classes |= {member.removesuffix(".class").replace("/", ".") for member in archive.namelist()}
    rows = [line.split() for line in (directory / "commands").read_text().splitlines()]
    # kafka-run-class.sh has its class from the caller
    named = {
        next(word for word in row if word.count(".") > 1 or word == "kafka.Kafka")
        for row in rows
        if row[1] != "-"
    }
    assert named
    assert named - classes == set()
