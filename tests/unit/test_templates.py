"""Every file of every service on six topologies, rendered as the kit does and read back."""

from __future__ import annotations

import json
import re
import shlex
import subprocess
from collections.abc import Iterator
from pathlib import Path

import host_units
import jinja2
import pytest
import yaml
from config_formats import FilterModule

from artifacts.product import load
from tests.unit.machine import Host
from tests.unit.playbooks import CHECKOUT, finish, start
from tests.unit.readers import read_environment, read_hadoop_xml, read_properties, read_shell, read_unit

INVENTORIES = {
    "lab": "inventories/lab",
    "plain": "tests/inventories/plain",
    "three_brokers": "tests/inventories/three_brokers",
    "own_controllers": "tests/inventories/own_controllers",
    "course": "inventories/course",
    "machines": "inventories/machines",
}
HEADER = "Managed by Millrace: change the inventory, not this file."
UNITS = "/etc/systemd/system"
# What one broker of three has alone, and what all brokers of a machine have.
OWN = {
    "kafka_brokers": [
        {"id": number, "host": "one", "port": 9091 + number, "controller_port": 9191 + number}
        for number in (1, 2, 3)
    ],
    "kafka_unit_overrides": {
        "Service": {"Environment": "JMX_PORT=9990", "ExecStart": "/opt/mine", "RestrictAddressFamilies": None}
    },
}
OWN["kafka_brokers"][1] |= {  # type: ignore[index]
    "properties": {"broker.rack": "a", "min.insync.replicas": 1},
    "unit": {"Service": {"Environment": "JMX_PORT=9999"}},
}

Files = dict[str, dict[str, str]]


@pytest.fixture(scope="module")
def directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the runs leave everything."""
    return tmp_path_factory.mktemp("rendered")


@pytest.fixture(scope="module")
def rendered(directory: Path) -> dict[str, dict[str, Files]]:
    """Content and attributes of each path, by inventory and host; preflight has passed first."""
    found: dict[str, dict[str, Files]] = {}
    runs = {}
    for name, inventory in INVENTORIES.items():
        (directory / name).mkdir()
        given = {"course_broker_0_10": True} | (OWN if name == "three_brokers" else {})
        runs[name] = start(
            directory / name,
            *("--inventory", inventory, "--extra-vars", json.dumps(given)),
            *("playbooks/preflight.yml", "tests/render/render.yml"),
            MILLRACE_RENDERED=str(directory / name / "files"),
        )
    for name, run in runs.items():
        output = finish(run)
        assert run.returncode == 0, output
        hosts = found[name] = {}
        for path in sorted((directory / name / "files").glob("*/*.json")):
            host = hosts.setdefault(path.parent.name, {})
            for file in json.loads(path.read_text())["files"]:
                if file.get("state") != "absent":
                    text = {"content": file.get("secret_content")} | file
                    # HDFS and YARN both write what they share.
                    assert host.setdefault(file["path"], text) == text, f"{path}: {file['path']} differs"
    return found


@pytest.fixture(scope="module")
def lab(rendered: dict[str, dict[str, Files]]) -> dict[str, Files]:
    """Files of the lab's machines."""
    return rendered["lab"]


@pytest.fixture(scope="module")
def plain(rendered: dict[str, dict[str, Files]]) -> Files:
    """Files of the one machine of the plain topology."""
    return rendered["plain"]["one"]


def every(rendered: dict[str, dict[str, Files]]) -> Iterator[tuple[str, str]]:
    """Name and content of every file."""
    for inventory, hosts in rendered.items():
        for host, files in hosts.items():
            for path, file in files.items():
                yield f"{inventory}, {host}: {path}", file["content"]


def units(files: Files) -> dict[str, dict[str, dict[str, list[str]]]]:
    """The units of a host, by name."""
    return {
        Path(path).stem: read_unit(file["content"])
        for path, file in files.items()
        if re.fullmatch(f"{UNITS}/[^/]+[.]service", path)
    }


def test_hosts_and_their_files(rendered: dict[str, dict[str, Files]]) -> None:
    assert {name: sorted(hosts) for name, hosts in rendered.items()} == {
        "lab": ["millrace-1", "millrace-2", "millrace-3"],
        "plain": ["one"],
        "three_brokers": ["one"],
        "own_controllers": ["five", "four", "one", "three", "two"],
        "course": ["hadoop-master", "hadoop-slave1", "hadoop-slave2"],
        "machines": [f"node-{number}.example.org" for number in (1, 2, 3)],
    }
    templates = {
        path.stem
        for path in CHECKOUT.glob("roles/*/templates/*")
        if path.parts[-3] not in ("common", "course", "smoke")
    }
    written = {Path(path).name for path in rendered["lab"]["millrace-1"]}
    written |= {Path(path).name for path in rendered["lab"]["millrace-3"]}
    written |= {Path(path).name for path in rendered["course"]["hadoop-master"]}
    # These make several, by other names.
    assert templates - written == {"profile.sh", "server.properties", "hadoop-daemon.service"}


def test_the_kernel_of_every_machine_is_set(rendered: dict[str, dict[str, Files]], directory: Path) -> None:
    for name, hosts in rendered.items():
        for host in hosts:
            made = json.loads((directory / name / "files" / host / "kernel.json").read_text())
            assert made["install"] == {"kernel": {"vm.swappiness": 1, "vm.max_map_count": 262144}}


def test_daemons_register_by_the_name_in_the_inventory(rendered: dict[str, dict[str, Files]]) -> None:
    workers = {
        ("lab", "millrace-3"): True,
        ("course", "hadoop-master"): False,
        ("course", "hadoop-slave1"): True,
        ("machines", "node-2.example.org"): True,
    }
    for (inventory, host), works in workers.items():
        files = rendered[inventory][host]
        hdfs, yarn = (
            read_hadoop_xml(files[f"/etc/hadoop/{name}-site.xml"]["content"]) for name in ("hdfs", "yarn")
        )
        spark = read_shell(files["/etc/spark/spark-env.sh"]["content"], "SPARK_LOCAL_HOSTNAME")
        assert spark["SPARK_LOCAL_HOSTNAME"] == host
        assert yarn["yarn.nodemanager.address"] == "${yarn.nodemanager.hostname}:8041"
        assert (hdfs.get("dfs.datanode.hostname"), yarn.get("yarn.nodemanager.hostname")) == (
            (host, host) if works else (None, None)
        )
        assert yarn.get("yarn.nodemanager.bind-host") == ("0.0.0.0" if works else None)


def test_heaps_follow_the_memory_that_the_inventory_says(rendered: dict[str, dict[str, Files]]) -> None:
    hosts = rendered["machines"]
    leads, last = hosts["node-1.example.org"], hosts["node-3.example.org"]
    for files, unit, key, heap in (
        (leads, "kafka@", "KAFKA_HEAP_OPTS", "-Xms640m -Xmx640m"),
        (leads, "hdfs-namenode", "HDFS_NAMENODE_OPTS", "-Xmx640m"),
        (last, "spark-historyserver", "SPARK_DAEMON_MEMORY", "256m"),
    ):
        found = read_environment(units(files)[unit]["Service"]["Environment"])
        assert found[key].strip() == heap
    for files, containers in ((leads, "2880"), (last, "3584")):
        yarn = read_hadoop_xml(files["/etc/hadoop/yarn-site.xml"]["content"])
        assert yarn["yarn.nodemanager.resource.memory-mb"] == containers


def test_no_template_leaves_python_or_jinja_behind(rendered: dict[str, dict[str, Files]]) -> None:
    bad = re.compile(
        r"\{\{|\}\}|\{%|\bNone\b|\bTrue\b|\bFalse\b|\['|\[\"|\[\]|, '|Undefined|omit_place_holder"
    )
    found = [(name, match[0]) for name, content in every(rendered) for match in bad.finditer(content)]
    assert not found


def test_every_file_says_who_wrote_it_and_ends_in_one_newline(rendered: dict[str, dict[str, Files]]) -> None:
    for name, content in every(rendered):
        assert content.endswith("\n"), name
        assert not content.endswith("\n\n"), name
        if not name.endswith(("/myid", "/cluster.id")):
            assert HEADER in "".join(content.splitlines(keepends=True)[:6]), name


def test_nothing_lies_in_tmp(rendered: dict[str, dict[str, Files]]) -> None:
    assert not [name for name, content in every(rendered) if re.search(r"(?<![\w}])/tmp\b", content)]


def test_no_daemon_is_to_listen_where_the_kernel_takes_ports_for_clients(
    rendered: dict[str, dict[str, Files]],
) -> None:
    # Linux, ip-sysctl.rst: ip_local_port_range. In the course's lab they are reserved.
    course = yaml.safe_load((CHECKOUT / "inventories/course/group_vars/all/course.yml").read_text())
    reserved = course["lab_sysctls"]["net.ipv4.ip_local_reserved_ports"]
    found = {
        (name.partition(",")[0], match[1])
        for name, content in every(rendered)
        for match in re.finditer(r"(?:[:=]|port: |<value>)(\d{4,5})\b(?!=)", content, re.IGNORECASE)
        if 32768 <= int(match[1]) <= 60999 and "/systemd/" not in name
    }
    assert found == {("course", "50070"), ("course", "50090")}
    # From the DataNode's to the SecondaryNameNode's (hdfs-default.xml of 2.7.2).
    assert reserved == "50010-50090"


def test_only_what_lies_with_zookeepers_data_is_not_roots(rendered: dict[str, dict[str, Files]]) -> None:
    owned = {
        path: file["owner"]
        for hosts in rendered.values()
        for files in hosts.values()
        for path, file in files.items()
        if "owner" in file
    }
    assert owned == dict.fromkeys(["/var/lib/zookeeper/myid", "/var/lib/zookeeper/cluster.id"], "zookeeper")


def test_every_property_file_is_read(rendered: dict[str, dict[str, Files]]) -> None:
    kinds = (".properties", ".cfg", ".conf")
    read = {
        name: read_properties(text)
        for name, text in every(rendered)
        if name.endswith(kinds) and UNITS not in name
    }
    connect = 13 * 5  # on each machine that has Kafka 4.3.0
    assert len(read) == 2 * 3 * 5 + 5 + 3 + 5 + 9 + 2 * 3 + connect
    for name, properties in read.items():
        assert properties, name
        assert all(re.fullmatch(r"[\w.@>-]+", key) for key in properties), name


def test_every_yaml_file_is_read(rendered: dict[str, dict[str, Files]]) -> None:
    read = {name: yaml.safe_load(text) for name, text in every(rendered) if name.endswith(".yaml")}
    assert {name.rsplit("/", 1)[1] for name in read} == {"log4j2.yaml", "tools-log4j2.yaml"}
    for content in read.values():
        assert content["Configuration"]["Loggers"]["Root"]["AppenderRef"] == {"ref": "console"}


def test_every_shell_file_is_sourced(rendered: dict[str, dict[str, Files]]) -> None:
    for name, content in every(rendered):
        if name.endswith(".sh"):
            assert "/bin" in read_shell(content, "PATH")["PATH"], name


# Daemons of each machine, as the inventories ask for them.
@pytest.mark.parametrize(
    ("inventory", "host", "expected"),
    [
        (
            "lab",
            "millrace-1",
            [
                *("zookeeper", "kafka@", "hdfs-journalnode", "hdfs-namenode", "hdfs-zkfc", "hdfs-datanode"),
                *("yarn-resourcemanager", "yarn-nodemanager"),
            ],
        ),
        (
            "lab",
            "millrace-3",
            [
                *("zookeeper", "kafka@", "hdfs-journalnode", "hdfs-datanode", "yarn-nodemanager"),
                *("mapred-historyserver", "spark-historyserver"),
            ],
        ),
        (
            "plain",
            "one",
            [
                *("zookeeper", "kafka@", "hdfs-namenode", "hdfs-secondarynamenode", "hdfs-datanode"),
                *("yarn-resourcemanager", "yarn-nodemanager", "mapred-historyserver", "spark-historyserver"),
            ],
        ),
        ("three_brokers", "one", ["kafka@"]),
        (
            "course",
            "hadoop-master",
            [
                *("zookeeper", "kafka@", "kafka@10", "hdfs-namenode", "hdfs-secondarynamenode"),
                *("yarn-resourcemanager", "mapred-historyserver"),
            ],
        ),
        ("course", "hadoop-slave2", ["hdfs-datanode", "yarn-nodemanager"]),
    ],
)
def test_units_of_a_machine(
    rendered: dict[str, dict[str, Files]], inventory: str, host: str, expected: list[str]
) -> None:
    assert set(units(rendered[inventory][host])) == set(expected)


def test_every_unit_is_a_daemon_that_is_not_root_and_comes_back(
    rendered: dict[str, dict[str, Files]],
) -> None:
    for hosts in rendered.values():
        for files in hosts.values():
            for name, unit in units(files).items():
                service = unit["Service"]
                assert list(unit) == ["Unit", "Service", "Install"], name
                assert service["User"][0] in ("zookeeper", "kafka", "hdfs", "yarn", "mapred", "spark"), name
                assert service["Group"][0] in ("zookeeper", "kafka", "hadoop"), name
                (start_command,) = service["ExecStart"]
                assert start_command.startswith("/opt/"), name
                assert service["Restart"] == ["on-failure"], name
                assert service["SuccessExitStatus"] == ["143"], name
                assert service["LimitNOFILE"] == ["128000"], name
                assert service["NoNewPrivileges"] == ["true"], name
                assert service["RuntimeDirectory"] == [re.sub("@.*", "/%i", name)], name
                assert unit["Install"]["WantedBy"] == ["multi-user.target"], name
                assert unit["Unit"]["Description"][0], name


def verify(root: Path, files: Files) -> str:
    """What systemd has against the units of a machine, and their drop-ins, where the programs are."""
    for path, file in files.items():
        if path.startswith(UNITS):
            (root / path[1:]).parent.mkdir(parents=True, exist_ok=True)
            (root / path[1:]).write_text(file["content"])
            service = read_unit(file["content"]).get("Service", {})
            for line in service.get("ExecStartPre", []) + service.get("ExecStart", []):
                if line:
                    program = root / line.split()[0][1:]
                    program.parent.mkdir(parents=True, exist_ok=True)
                    program.touch(0o755)
    options = [f"--root={root}", "--man=no", "--recursive-errors=no"]
    # Of a template an instance is looked at, with what is its own.
    names = {
        name.replace(".service.d", ".service") if number else name.replace("@.", "@0.")
        for path in files
        if path.startswith(UNITS)
        for name in [path.removeprefix(f"{UNITS}/").partition("/")[0]]
        for number in [name.endswith(".d") and "@." not in name]
        if number or name.endswith(".service")
    }
    written = sorted(str(root / UNITS[1:] / name) for name in names)
    command = ["systemd-analyze", *options, "verify", *written]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert bool(done.returncode) == bool(done.stderr), done
    return done.stderr


def test_systemd_has_nothing_against_a_unit(rendered: dict[str, dict[str, Files]], tmp_path: Path) -> None:
    for inventory, hosts in rendered.items():
        for host, files in hosts.items():
            assert verify(tmp_path / inventory / host, files) == "", f"{inventory}, {host}"


def test_systemd_sees_a_misspelt_key(lab: dict[str, Files], tmp_path: Path) -> None:
    path = f"{UNITS}/kafka@.service"
    text = lab["millrace-1"][path]["content"].replace("Restart=", "Rstart=")
    said = verify(tmp_path / "unit", {path: {"content": text}})
    assert "Unknown key 'Rstart' in section [Service]" in said
    dropin = {"content": f"# {HEADER}\n[Service]\nNicee=5\n"}
    said = verify(
        tmp_path / "dropin", {path: lab["millrace-1"][path], f"{UNITS}/kafka@1.service.d/a.conf": dropin}
    )
    assert "Unknown key 'Nicee' in section [Service]" in said


def test_every_file_by_which_a_unit_is_stale_is_written_and_recorded(
    rendered: dict[str, dict[str, Files]], directory: Path
) -> None:
    """What the unit's line records is what the module compares, of which some service writes every file."""
    for inventory, hosts in rendered.items():
        for host, files in hosts.items():
            found = [
                unit
                for path in (directory / inventory / "files" / host).iterdir()
                for unit in json.loads(path.read_text())["units"]
            ]
            assert {unit["file"].removesuffix(".service") for unit in found} == set(units(files))
            for unit in found:
                name, reads = unit["name"], unit["restart_on"]
                unknown = [path for path in reads if path not in files and not path.startswith("/opt/")]
                assert not unknown, f"{host}: {name} reads {unknown}, which no service writes"
                assert "/opt/java/bin/java" in reads, name
                assert [path for path in reads if path.endswith("/.artifact")], name
                (record,) = read_unit(files[f"{UNITS}/{unit['file']}"]["content"])["Service"]["ExecStartPre"]
                _, _, recorded = record.partition("' record ")
                own = recorded.replace("%i", name.partition("@")[2]).split()
                assert own == [f"{UNITS}/{unit['file']}", *reads], name


def test_a_record_has_every_file_and_the_drop_ins(
    rendered: dict[str, dict[str, Files]], tmp_path: Path
) -> None:
    """The line, run as systemd would, and read by what decides on restarts."""
    files = rendered["three_brokers"]["one"]
    (line,) = units(files)["kafka@"]["Service"]["ExecStartPre"]
    words = shlex.split(re.sub("/(etc|opt)/", rf"{tmp_path}/\1/", line.replace("%i", "2")))
    reads = words[words.index("record") + 1 :]
    for path in reads:
        Path(path).parent.mkdir(parents=True, exist_ok=True)
        Path(path).write_text(path)
    system = tmp_path / UNITS[1:]
    dropins = [
        str(system / name)
        for name in ("kafka@.service.d/millrace.conf", "kafka@2.service.d/millrace.instance.conf")
    ]
    for path in dropins:
        Path(path).parent.mkdir()
        Path(path).write_text(path)
    (tmp_path / "kafka").mkdir()
    subprocess.run(words, check=True, env={"RUNTIME_DIRECTORY": str(tmp_path / "kafka")})
    record = host_units.recorded("kafka", root=str(tmp_path))
    assert set(record) == {*reads, *dropins}
    assert host_units.reasons(record, [*reads, *dropins]) == []
    own = str(system / "kafka@.service.d/own.conf")
    Path(own).touch()
    assert host_units.reasons(record, [*reads, *dropins, own]) == [own]


# Where each launcher looks for the heap, and what the lab gives it.
@pytest.mark.parametrize(
    ("host", "unit", "variable", "value"),
    [
        ("millrace-1", "kafka@", "KAFKA_HEAP_OPTS", "-Xms256m -Xmx256m"),
        ("millrace-1", "hdfs-namenode", "HDFS_NAMENODE_OPTS", "-Xmx128m {java}"),
        ("millrace-1", "hdfs-zkfc", "HDFS_ZKFC_OPTS", "-Xmx64m {java}"),
        ("millrace-1", "hdfs-journalnode", "HDFS_JOURNALNODE_OPTS", "-Xmx64m {java}"),
        ("millrace-1", "hdfs-datanode", "HDFS_DATANODE_OPTS", "-Xmx96m {java}"),
        ("millrace-1", "yarn-resourcemanager", "YARN_RESOURCEMANAGER_OPTS", "-Xmx160m {java}"),
        ("millrace-1", "yarn-nodemanager", "YARN_NODEMANAGER_OPTS", "-Xmx128m {java}"),
        ("millrace-3", "mapred-historyserver", "MAPRED_HISTORYSERVER_OPTS", "-Xmx96m {java}"),
        ("millrace-3", "spark-historyserver", "SPARK_DAEMON_MEMORY", "192m"),
        ("millrace-3", "spark-historyserver", "SPARK_DAEMON_JAVA_OPTS", "{java}"),
    ],
)
def test_heaps(lab: dict[str, Files], host: str, unit: str, variable: str, value: str) -> None:
    environment = read_environment(units(lab[host])[unit]["Service"]["Environment"])
    java = "-XX:+UseSerialGC -XX:TieredStopAtLevel=1 -Xss512k -XX:CICompilerCount=1"
    assert environment[variable] == value.format(java=java)
    assert environment["JAVA_HOME"] == "/opt/java"


def test_heap_of_zookeeper(lab: dict[str, Files]) -> None:
    text = lab["millrace-1"]["/etc/zookeeper/zookeeper-env.sh"]["content"]
    flags = read_shell(text, "SERVER_JVMFLAGS")["SERVER_JVMFLAGS"]
    assert flags.startswith("-Xms96m -Xmx96m -XX:+UseSerialGC ")


@pytest.fixture(scope="module")
def machine(tmp_path_factory: pytest.TempPathFactory, lab: dict[str, Files]) -> Host:
    """Hadoop and ZooKeeper unpacked, with the files of a machine of the lab that the launchers source."""
    made = Host(tmp_path_factory.mktemp("machine"))
    for name, version in (("hadoop", "3.5.0"), ("zookeeper", "3.9.5")):
        made.install(load(name, version))
        text = lab["millrace-1"][f"/etc/{name}/{name}-env.sh"]["content"]
        (made.root.parent / "etc" / name / f"{name}-env.sh").write_text(text)
    return made


def test_the_callers_environment_wins_over_the_files(machine: Host, lab: dict[str, Files]) -> None:
    def words(path: str, *arguments: str, **environment: str) -> list[str]:
        program = str(machine.root / path)
        return machine.java(program, *arguments, JAVA_HOME=str(machine.bin.parent), **environment).words

    def sizes(**environment: str) -> list[str]:
        found = words("hadoop/bin/hdfs", "fsck", "/", **environment)
        return [word for word in found if word.startswith("-Xmx")]

    (given,) = sizes()
    assert sizes(HADOOP_CLIENT_OPTS="-Xmx4g") == ["-Xmx4g"]
    assert sizes(HADOOP_HEAPSIZE_MAX="4g") == [given, "-Xmx4g"]
    client, server = "zookeeper/bin/zkCli.sh", "zookeeper/bin/zkServer.sh"
    assert "-Dzookeeper.root.level=WARN" in words(client)
    assert "-Dmine" in words(client, CLIENT_JVMFLAGS="-Dmine")
    assert "-Xmx9m" in words(server, "start-foreground", SERVER_JVMFLAGS="-Xmx9m")
    assert "-Xmx96m" not in words(server, "start-foreground", SERVER_JVMFLAGS="-Xmx9m")
    text = lab["millrace-1"]["/etc/spark/spark-env.sh"]["content"]
    spark = 'HADOOP_CONF_DIR="/my conf" JAVA_HOME=/mine\n'
    assert read_shell(spark + text, "HADOOP_CONF_DIR", "JAVA_HOME") == {
        "HADOOP_CONF_DIR": "/my conf",
        "JAVA_HOME": "/mine",
    }


def test_a_unit_and_the_files_go_together(machine: Host, lab: dict[str, Files]) -> None:
    """What the unit sets counts, the rest comes from the files."""
    own = read_environment(units(lab["millrace-1"])["hdfs-namenode"]["Service"]["Environment"])
    own |= {"JAVA_HOME": str(machine.bin.parent), "HADOOP_CONF_DIR": str(machine.root / "hadoop/etc/hadoop")}
    program = str(machine.root / "hadoop/bin/hdfs")
    words = machine.java(program, "namenode", **own).words
    assert {"-Xmx128m", "-Dhadoop.log.dir=/var/log/hadoop"} <= set(words)


@pytest.mark.parametrize("role", ["hadoop", "spark", "zookeeper"])
def test_an_override_of_an_environment_file_wins_over_a_unit(role: str) -> None:
    """And so over every caller: else HDFS_NAMENODE_OPTS among the overrides would do nothing."""
    jinja = jinja2.Environment(autoescape=False)
    jinja.filters |= FilterModule().filters() | {"comment": "# {}".format}
    template = (CHECKOUT / f"roles/{role}/templates/{role}-env.sh.j2").read_text()
    overrides = {"OPTS": "inventory's"}
    text = jinja.from_string(template).render(
        {
            "common_managed": "",
            f"{role}_env": {"HOME": "file's"} | overrides,
            f"{role}_env_overrides": overrides,
        }
    )
    found = read_shell(f"HOME=caller\\'s OPTS=unit\\'s\n{text}", "HOME", "OPTS")
    assert found == {"HOME": "caller's", "OPTS": "inventory's"}


def test_zookeeper_ensemble(lab: dict[str, Files]) -> None:
    for number, host in enumerate(sorted(lab), 1):
        cfg = read_properties(lab[host]["/etc/zookeeper/zoo.cfg"]["content"])
        servers = {key: value for key, value in cfg.items() if key.startswith("server.")}
        assert servers == {f"server.{each}": f"millrace-{each}:2888:3888" for each in (1, 2, 3)}
        assert cfg["dataDir"] == "/var/lib/zookeeper"
        assert cfg["4lw.commands.whitelist"] == "conf,mntr,srvr,ruok"
        assert cfg["admin.enableServer"] == "false"
        assert lab[host]["/var/lib/zookeeper/myid"]["content"] == f"{number}\n"


def test_zookeeper_alone_has_no_servers(plain: Files) -> None:
    cfg = read_properties(plain["/etc/zookeeper/zoo.cfg"]["content"])
    assert cfg["clientPort"] == "2181"
    assert not [key for key in cfg if key.startswith("server.")]


def test_hdfs_highly_available(lab: dict[str, Files]) -> None:
    core = read_hadoop_xml(lab["millrace-3"]["/etc/hadoop/core-site.xml"]["content"])
    hdfs = read_hadoop_xml(lab["millrace-3"]["/etc/hadoop/hdfs-site.xml"]["content"])
    quorum = "millrace-1:2181,millrace-2:2181,millrace-3:2181"
    assert core["fs.defaultFS"] == "hdfs://lab"
    assert core["ha.zookeeper.quorum"] == core["hadoop.zk.address"] == quorum
    ours = {
        key: value for key, value in hdfs.items() if re.match(r"dfs\.(nameservices|ha\.(name|auto))", key)
    }
    assert ours == {
        "dfs.nameservices": "lab",
        "dfs.ha.namenodes.lab": "nn1,nn2",
        "dfs.ha.automatic-failover.enabled": "true",
    }
    addresses = {key: value for key, value in hdfs.items() if re.match(r"dfs\.namenode\.(rpc|http)-a", key)}
    assert addresses == {
        "dfs.namenode.rpc-address.lab.nn1": "millrace-1:8020",
        "dfs.namenode.rpc-address.lab.nn2": "millrace-2:8020",
        "dfs.namenode.http-address.lab.nn1": "millrace-1:9870",
        "dfs.namenode.http-address.lab.nn2": "millrace-2:9870",
    }
    assert hdfs["dfs.namenode.shared.edits.dir"] == (
        "qjournal://millrace-1:8485;millrace-2:8485;millrace-3:8485/lab"
    )
    assert hdfs["dfs.replication"] == "3"


def test_hdfs_plain(plain: Files) -> None:
    core = read_hadoop_xml(plain["/etc/hadoop/core-site.xml"]["content"])
    hdfs = read_hadoop_xml(plain["/etc/hadoop/hdfs-site.xml"]["content"])
    assert core["fs.defaultFS"] == "hdfs://one:8020"
    assert hdfs["dfs.replication"] == "1"
    assert hdfs["dfs.namenode.rpc-address"] == "one:8020"
    assert hdfs["dfs.namenode.http-address"] == "one:9870"
    assert hdfs["dfs.namenode.secondary.http-address"] == "one:9868"
    assert hdfs["dfs.namenode.checkpoint.dir"] == "file:///var/lib/hdfs/namesecondary"
    secondary = units(plain)["hdfs-secondarynamenode"]["Service"]
    own = read_environment(units(plain)["hdfs-namenode"]["Service"]["Environment"])
    assert secondary["ExecStart"] == ["/opt/hadoop/bin/hdfs secondarynamenode"]
    assert (
        read_environment(secondary["Environment"])["HDFS_SECONDARYNAMENODE_OPTS"] == own["HDFS_NAMENODE_OPTS"]
    )
    ha = r"dfs\.(ha\.|nameservices|journalnode\.|client\.failover|namenode\.shared)"
    assert not [key for key in hdfs if re.match(ha, key)]


def test_yarn_highly_available(lab: dict[str, Files]) -> None:
    yarn = read_hadoop_xml(lab["millrace-3"]["/etc/hadoop/yarn-site.xml"]["content"])
    assert yarn["yarn.resourcemanager.ha.enabled"] == "true"
    assert yarn["yarn.resourcemanager.ha.rm-ids"] == "rm1,rm2"
    assert yarn["yarn.resourcemanager.hostname.rm2"] == "millrace-2"
    assert yarn["yarn.resourcemanager.webapp.address.rm2"] == "millrace-2:8088"
    assert yarn["yarn.resourcemanager.store.class"].endswith(".ZKRMStateStore")
    assert yarn["yarn.resourcemanager.zk-address"] == "millrace-1:2181,millrace-2:2181,millrace-3:2181"
    assert "yarn.resourcemanager.hostname" not in yarn
    assert yarn["yarn.log.server.url"] == "http://millrace-3:19888/jobhistory/logs"
    mapred = read_hadoop_xml(lab["millrace-1"]["/etc/hadoop/mapred-site.xml"]["content"])
    assert mapred["mapreduce.jobhistory.address"] == "millrace-3:10020"
    # An override of the lab's own.
    assert mapred["mapreduce.map.memory.mb"] == "256"


def test_daemons_of_yarn_are_stale_when_what_they_use_changes(lab: dict[str, Files]) -> None:
    found = units(lab["millrace-3"])
    site, mapred = "/etc/hadoop/yarn-site.xml", "/etc/hadoop/mapred-site.xml"
    for name in ("yarn-nodemanager", "mapred-historyserver"):
        assert {site, mapred} <= set(" ".join(found[name]["Service"]["ExecStartPre"]).split()), name
        environment = read_environment(found[name]["Service"]["Environment"])
        assert environment["HDFS_NAMENODES"] == "millrace-1:8020 millrace-2:8020"


def test_yarn_plain(plain: Files) -> None:
    yarn = read_hadoop_xml(plain["/etc/hadoop/yarn-site.xml"]["content"])
    assert yarn["yarn.resourcemanager.hostname"] == "one"
    assert yarn["yarn.resourcemanager.store.class"].endswith(".FileSystemRMStateStore")
    assert not [key for key in yarn if re.match(r"yarn\.resourcemanager\.(ha|zk|hostname\.|cluster-id)", key)]
    scheduler = read_hadoop_xml(plain["/etc/hadoop/capacity-scheduler.xml"]["content"])
    assert scheduler["yarn.scheduler.capacity.root.queues"] == "default"


def test_what_only_the_brokers_read_is_shown_nowhere(rendered: dict[str, dict[str, Files]]) -> None:
    for hosts in rendered.values():
        for files in hosts.values():
            for path, file in files.items():
                private = file.get("mode", "0644") == "0640"
                assert ("secret_content" in file) == private == ("/server-" in path), path


def brokers(files: Files) -> dict[int, dict[str, str]]:
    """The properties of each broker of a host."""
    found = {}
    for path, file in files.items():
        if match := re.fullmatch(r"/etc/kafka/server-(\d+)\.properties", path):
            found[int(match[1])] = read_properties(file["content"])
    return found


def test_kafka_three_machines(lab: dict[str, Files]) -> None:
    for number, host in enumerate(sorted(lab), 1):
        properties = brokers(lab[host])
        assert list(properties) == [number]
        broker = properties[number]
        assert broker["node.id"] == str(number)
        assert broker["process.roles"] == "broker,controller"
        assert (
            broker["controller.quorum.bootstrap.servers"] == "millrace-1:9093,millrace-2:9093,millrace-3:9093"
        )
        assert broker["advertised.listeners"] == f"PLAINTEXT://{host}:9092,CONTROLLER://{host}:9093"
        assert broker["log.dirs"] == f"/var/lib/kafka/{number}"
        assert broker["default.replication.factor"] == broker["offsets.topic.replication.factor"] == "3"
        assert broker["min.insync.replicas"] == broker["transaction.state.log.min.isr"] == "2"
        assert broker["unclean.leader.election.enable"] == "false"
        assert broker["offsets.topic.num.partitions"] == "6"


def test_kafka_three_brokers_on_one_machine(rendered: dict[str, dict[str, Files]]) -> None:
    properties = brokers(rendered["three_brokers"]["one"])
    assert sorted(properties) == [1, 2, 3]
    for number, broker in properties.items():
        port, controller_port = 9091 + number, 9191 + number
        assert broker["node.id"] == str(number)
        assert broker["listeners"] == f"PLAINTEXT://:{port},CONTROLLER://:{controller_port}"
        assert broker["log.dirs"] == f"/var/lib/kafka/{number}"
        assert broker["controller.quorum.bootstrap.servers"] == "one:9192,one:9193,one:9194"
        assert broker["default.replication.factor"] == "3"
        assert broker["min.insync.replicas"] == ("1" if number == 2 else "2")
        assert broker.get("broker.rack") == ("a" if number == 2 else None)


def test_kafka_with_controllers_that_have_machines_of_their_own(
    rendered: dict[str, dict[str, Files]], directory: Path
) -> None:
    hosts = rendered["own_controllers"]
    found = {host: brokers(files) for host, files in hosts.items()}
    assert {host: list(properties) for host, properties in found.items()} == {
        "one": [1001],
        "two": [1002],
        "three": [1003],
        "four": [1],
        "five": [2],
    }
    for host, ((number, properties),) in ((host, each.items()) for host, each in found.items()):
        votes = number > 1000
        at = f"CONTROLLER://{host}:9093" if votes else f"PLAINTEXT://{host}:9092"
        assert properties["process.roles"] == ("controller" if votes else "broker")
        assert properties["advertised.listeners"] == at
        assert properties["listeners"] == at.replace(f"//{host}", "//")
        assert properties["controller.quorum.bootstrap.servers"] == "one:9093,two:9093,three:9093"
        # Kafka does not start with it where nobody votes.
        assert properties.get("controller.quorum.auto.join.enable") == ("true" if votes else None)
        assert properties["log.dirs"] == f"/var/lib/kafka/{number}"
        assert properties["default.replication.factor"] == "2"
        description = units(hosts[host])["kafka@"]["Unit"]["Description"]
        assert description == [f"Apache Kafka {'controller' if votes else 'broker'} %i"]
    kafka = json.loads((directory / "own_controllers/cluster.json").read_text())["kafka"]
    assert kafka["voters"] == [each["id"] for each in kafka["controllers"]] == [1001, 1002, 1003]
    assert [each["id"] for each in kafka["brokers"]] == [1, 2]


def test_drop_ins_of_all_brokers_and_of_one(rendered: dict[str, dict[str, Files]]) -> None:
    files = rendered["three_brokers"]["one"]
    common, own = (
        f"{UNITS}/kafka@.service.d/millrace.conf",
        f"{UNITS}/kafka@2.service.d/millrace.instance.conf",
    )
    assert {path for path in files if path.endswith(".conf")} == {common, own}
    assert read_unit(files[common]["content"]) == {
        "Service": {
            # A service has but one; nothing is the key's default.
            "ExecStart": ["", "/opt/mine"],
            "RestrictAddressFamilies": [""],
            # What the unit itself sets stays in force beside it.
            "Environment": ["JMX_PORT=9990"],
        }
    }
    assert read_unit(files[own]["content"]) == {"Service": {"Environment": ["JMX_PORT=9999"]}}
    environment = read_environment(units(files)["kafka@"]["Service"]["Environment"])
    assert environment["JAVA_HOME"] == "/opt/java"
    assert environment["KAFKA_HEAP_OPTS"]


def test_kafka_one_broker(plain: Files) -> None:
    (broker,) = brokers(plain).values()
    assert broker["default.replication.factor"] == broker["min.insync.replicas"] == "1"
    assert broker["offsets.topic.replication.factor"] == broker["transaction.state.log.min.isr"] == "1"


def test_kafka_of_the_course(rendered: dict[str, dict[str, Files]]) -> None:
    master = rendered["course"]["hadoop-master"]
    properties = brokers(master)
    assert sorted(properties) == [0, 10]
    old, newer = properties[0], properties[10]
    assert old["broker.id"] == "0"
    assert old["port"] == "9092"
    assert old["advertised.host.name"] == "hadoop-master"
    assert old["zookeeper.connect"] == "localhost:2181"
    assert newer["listeners"] == "PLAINTEXT://:9095"
    assert newer["zookeeper.connect"] == "localhost:2181/kafka-0.10"
    # What 0.8.2.1 does not know, it warns of at each start.
    later = ("listeners", "node.id", "process.roles", "controller.", "transaction.", "share.")
    assert not [key for key in old if key.startswith(later)]
    own = units(master)
    assert own["kafka@"]["Service"]["ExecStart"][0].startswith("/opt/kafka/bin/")
    assert own["kafka@10"]["Service"]["ExecStart"][0].startswith("/opt/kafka-0.10.2.2/bin/")
    for broker in (own["kafka@"], own["kafka@10"]):
        assert "ConditionPathExists" not in broker["Unit"]
        assert "zookeeper.service" in " ".join(broker["Unit"]["After"]).split()
    for name in own:
        dropin = read_unit(master[f"{UNITS}/{name}.service.d/millrace.conf"]["content"])
        assert dropin["Service"]["PrivateTmp"] == ["false"], name


def test_hadoop_of_the_course(rendered: dict[str, dict[str, Files]]) -> None:
    for files in rendered["course"].values():
        core = read_hadoop_xml(files["/etc/hadoop/core-site.xml"]["content"])
        assert core["fs.defaultFS"] == "hdfs://hadoop-master:9000"
        site = read_hadoop_xml(files["/etc/hadoop/hdfs-site.xml"]["content"])
        assert site["dfs.namenode.http-address"] == "hadoop-master:50070"
        assert site["dfs.namenode.secondary.http-address"] == "hadoop-master:50090"
        assert site["dfs.replication"] == "2"


def test_files_of_old_versions(rendered: dict[str, dict[str, Files]]) -> None:
    master = rendered["course"]["hadoop-master"]
    for directory in ("zookeeper", "kafka", "spark", "hadoop"):
        log4j = read_properties(master[f"/etc/{directory}/log4j.properties"]["content"])
        assert {"log4j.rootLogger", "log4j.rootCategory"} & set(log4j)
    assert not {path for path in master if "log4j2" in path or "logback" in path}
    config = read_properties(master["/etc/zookeeper/zoo.cfg"]["content"])
    assert "admin.enableServer" not in config
    shell = read_shell(master["/etc/profile.d/kafka.sh"]["content"], "KAFKA_HOME", "PATH")
    assert shell["KAFKA_HOME"] == "/usr/local/kafka"
    assert shell["PATH"].startswith("/usr/local/kafka/bin:")
    conf = read_properties(master["/etc/spark/spark-defaults.conf"]["content"])
    assert conf["spark.eventLog.enabled"] == "false"


def test_spark(lab: dict[str, Files], plain: Files) -> None:
    for host, files in (*lab.items(), ("one", plain)):
        conf = read_properties(files["/etc/spark/spark-defaults.conf"]["content"])
        history = "one" if host == "one" else "millrace-3"
        assert conf["spark.yarn.historyServer.address"] == f"{history}:18080"
        assert conf["spark.eventLog.dir"] == conf["spark.history.fs.logDirectory"] == "hdfs:///spark-history"
        assert conf["spark.master"] == "yarn"
        env = read_shell(files["/etc/spark/spark-env.sh"]["content"], "HADOOP_CONF_DIR", "JAVA_HOME")
        assert env == {
            "HADOOP_CONF_DIR": "/etc/hadoop",
            "JAVA_HOME": "/opt/java",
        }


@pytest.mark.parametrize("product", ["zookeeper", "hadoop", "kafka", "spark"])
def test_a_login_shell_has_the_commands(plain: Files, product: str) -> None:
    profile = plain[f"/etc/profile.d/{product}.sh"]["content"]
    home = f"{product.upper()}_HOME"
    shell = read_shell(profile, home, "PATH")
    assert shell[home] == f"/opt/{product}"
    # First, so that a login shell finds them in their homes and not by the links of other shells.
    assert shell["PATH"].split(":")[0] == f"/opt/{product}/bin"


def test_the_cluster_is_described(rendered: dict[str, dict[str, Files]], directory: Path) -> None:
    described = {name: json.loads((directory / name / "cluster.json").read_text()) for name in rendered}
    assert described["lab"]["hdfs"]["default_fs"] == "hdfs://lab"
    assert described["lab"]["spark"]["event_logs"] == "/spark-history"
    assert described["lab"]["next"][0] == ["make", "smoke"]
    assert described["course"]["next"] == [
        ["make", "smoke", "INVENTORY=inventories/course"],
        ["make", "course-shell"],
    ]
    assert [each["id"] for each in described["lab"]["yarn"]["resourcemanagers"]] == ["rm1", "rm2"]
    assert described["plain"]["hdfs"]["journalnodes"] == []
    assert [each["port"] for each in described["three_brokers"]["kafka"]["brokers"]] == [9092, 9093, 9094]
    assert not {"zookeeper", "hdfs", "yarn", "spark"} & set(described["three_brokers"])
    assert described["course"]["kafka"]["voters"] == []
    assert described["course"]["kafka"]["zookeeper_connect"] == "localhost:2181"
    (standalone,) = described["course"]["kafka"]["standalone"]
    assert standalone["version"] == "0.10.2.2"
    assert standalone["brokers"][0]["unit"] == "kafka@10"
    assert list(described["three_brokers"]["machines"]) == ["one"]


def test_ssh_keeps_its_sockets_where_ansible_does(
    rendered: dict[str, dict[str, Files]], directory: Path
) -> None:
    sockets = {}
    for name, hosts in rendered.items():
        command = ["ssh", "-G", "-F", str(directory / name / "ssh_config"), next(iter(hosts))]
        shown = subprocess.run(command, capture_output=True, text=True, check=True).stdout
        sockets[name] = Path(re.search("^controlpath (.*)$", shown, re.MULTILINE)[1])  # type: ignore[index]
    # A new machine has no ~/.ssh, and two clusters may have machines of the same name.
    assert {path.parent for path in sockets.values()} == {Path("~/.ansible/cp").expanduser()}
    assert len({path.name for path in sockets.values()}) == len(rendered)
