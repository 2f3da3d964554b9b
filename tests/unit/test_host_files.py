"""Files as a whole or not at all."""

from __future__ import annotations

import grp
import os
import pwd
from pathlib import Path
from typing import Any

import host_files
import pytest

OWNER = pwd.getpwuid(os.getuid()).pw_name
GROUP = grp.getgrgid(os.getgid()).gr_name


def unread(path: Path) -> tuple[int, ...]:
    """What is known of a file or directory, but for the time at which it was read."""
    status = path.stat()
    return (status.st_ino, status.st_mode, status.st_uid, status.st_gid, status.st_size, status.st_ctime_ns)


def spec(path: Path, content: str = "new\n", **others: str) -> dict[str, Any]:
    """Return an entry of the module's list, of the user that runs the test."""
    return {"path": str(path), "content": content, "owner": OWNER, "group": GROUP, "mode": "0644"} | others


def test_a_new_file_with_its_directory(tmp_path: Path) -> None:
    path = tmp_path / "etc" / "kafka" / "a"
    assert host_files.apply(spec(path, mode="0640"), check=False) == {
        "before_header": str(path),
        "after_header": str(path),
        "before": "",
        "after": "new\n",
    }
    assert path.read_text() == "new\n"
    assert path.stat().st_mode & 0o7777 == 0o640
    assert path.parent.stat().st_mode & 0o7777 == 0o755
    assert list(path.parent.iterdir()) == [path]


def test_a_second_time_nothing_is_touched(tmp_path: Path) -> None:
    path = tmp_path / "a"
    host_files.apply(spec(path), check=False)
    before = unread(path)
    assert host_files.apply(spec(path), check=False) is None
    assert unread(path) == before


def test_other_content_is_replaced_and_shown(tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_text("old\n")
    path.chmod(0o644)
    old = path.open()
    assert host_files.apply(spec(path), check=False) == {
        "before_header": str(path),
        "after_header": str(path),
        "before": "old\n",
        "after": "new\n",
    }
    assert path.read_text() == "new\n"
    # Whoever reads the old file meanwhile reads it to its end: it was replaced, not written over.
    with old:
        assert old.read() == "old\n"


def test_another_mode_alone_is_a_change_and_shown(tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_text("new\n")
    path.chmod(0o600)
    diff = host_files.apply(spec(path), check=False)
    assert diff is not None
    assert diff["before_header"] == f"{path} (0600 {OWNER}:{GROUP} -> 0644 {OWNER}:{GROUP})"
    assert diff["before"] == diff["after"]
    assert path.stat().st_mode & 0o7777 == 0o644


@pytest.mark.parametrize(
    ("before", "after"), [("a\r\n", "a\n"), ("a\n", "a\r\n"), ("a", "a\n"), ("é", "e"), ("", "a")]
)
def test_every_byte_counts(tmp_path: Path, before: str, after: str) -> None:
    path = tmp_path / "a"
    path.write_bytes(before.encode())
    path.chmod(0o644)
    assert host_files.apply(spec(path, after), check=False) is not None
    assert path.read_bytes() == after.encode()
    assert host_files.apply(spec(path, after), check=False) is None


def test_a_file_that_is_no_text_is_replaced(tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_bytes(b"\xff\xfe")
    assert host_files.apply(spec(path), check=False) is not None
    assert path.read_text() == "new\n"


def test_check_mode_shows_the_same_and_writes_nothing(tmp_path: Path) -> None:
    path, new = tmp_path / "a", tmp_path / "none" / "b"
    path.write_text("old\n")
    before = unread(path)
    shown = [host_files.apply(spec(each), check=True) for each in (path, new)]
    assert [diff and (diff["before"], diff["after"]) for diff in shown] == [("old\n", "new\n"), ("", "new\n")]
    assert unread(path) == before
    assert list(tmp_path.iterdir()) == [path]


def test_a_link_is_replaced_and_its_target_left_alone(tmp_path: Path) -> None:
    target, path = tmp_path / "target", tmp_path / "a"
    target.write_text("old\n")
    path.symlink_to(target)
    host_files.apply(spec(path), check=False)
    assert (target.read_text(), path.read_text(), path.is_symlink()) == ("old\n", "new\n", False)


@pytest.mark.parametrize("who", [{"owner": "no-such-user"}, {"group": "no-such-group"}])
def test_an_unknown_owner_is_named_and_leaves_the_old_file(tmp_path: Path, who: dict[str, str]) -> None:
    path = tmp_path / "a"
    path.write_text("old\n")
    with pytest.raises(KeyError, match=next(iter(who.values()))):
        host_files.apply(spec(path, **who), check=False)
    assert path.read_text() == "old\n"
    assert list(tmp_path.iterdir()) == [path]


def test_a_cut_leaves_the_old_file_and_nothing_beside_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a"
    path.write_text("old\n")

    def full(number: int, mode: int) -> None:
        raise OSError("No space left on device")

    monkeypatch.setattr(os, "fchmod", full)
    with pytest.raises(OSError, match="No space left"):
        host_files.apply(spec(path), check=False)
    assert path.read_text() == "old\n"
    assert list(tmp_path.iterdir()) == [path]


def test_a_services_link_is_replaced_and_what_it_leads_to_not_shown(tmp_path: Path, service: Path) -> None:
    """A link to /etc/shadow in place of myid would be shown in a diff."""
    secret, path = tmp_path / "shadow", service / "myid"
    for put in (path.symlink_to, path.hardlink_to):
        secret.write_text("root:hash\n")
        put(secret)
        for check in (True, False):
            diff = host_files.apply(spec(path), check=check)
            assert diff == {
                "before_header": f"{path} (no plain file)",
                "after_header": str(path),
                "before": "",
                "after": "new\n",
            }
        assert (path.read_text(), secret.read_text(), path.is_symlink()) == ("new\n", "root:hash\n", False)
        assert host_files.apply(spec(path), check=False) is None
        path.unlink()


def test_one_with_the_content_asked_for_is_replaced_too(tmp_path: Path, service: Path) -> None:
    (tmp_path / "same").write_text("new\n")
    (service / "myid").symlink_to(tmp_path / "same")
    assert host_files.apply(spec(service / "myid"), check=False)
    assert not (service / "myid").is_symlink()


def test_a_file_is_not_written_through_a_services_link(tmp_path: Path, service: Path) -> None:
    (tmp_path / "system").mkdir()
    (service / "conf").symlink_to(tmp_path / "system")
    for path in (service / "conf" / "a", service / "conf" / "new" / "a"):
        for check in (True, False):
            with pytest.raises(ValueError, match=f"^{service}/conf is a link to {tmp_path}/system, and "):
                host_files.apply(spec(path), check=check)
    assert os.listdir(tmp_path / "system") == []


def test_an_administrators_directory_elsewhere_is_written_to(tmp_path: Path) -> None:
    (tmp_path / "disk").mkdir()
    (tmp_path / "etc").symlink_to("disk")
    assert host_files.apply(spec(tmp_path / "etc" / "a"), check=False)
    assert (tmp_path / "disk" / "a").read_text() == "new\n"
    assert host_files.apply(spec(tmp_path / "etc" / "a"), check=True) is None


def test_a_directory_in_its_place_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    with pytest.raises(IsADirectoryError):
        host_files.apply(spec(tmp_path / "a"), check=False)


def test_a_mode_that_is_not_octal_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="'u=rw'"):
        host_files.apply(spec(tmp_path / "a", mode="u=rw"), check=False)


# A text, and what is shown of it.
MASKED = [
    # .properties, in each of its forms
    ("ssl.key.password=s3cr3t", "ssl.key.password=(hidden)"),
    ("SSL.Keystore.PassWord : s3 cr3t", "SSL.Keystore.PassWord : (hidden)"),
    ("spark.ssl.keyPassword s3cr3t", "spark.ssl.keyPassword (hidden)"),
    ("# ssl.key.password=s3cr3t", "# ssl.key.password=(hidden)"),
    ('a.sasl.jaas.config=It required user="a" password="s3cr3t";', "a.sasl.jaas.config=(hidden)"),
    ('a.jaas.config=It \\\n  password="s3cr3t";\nb=1', "a.jaas.config=(hidden)\nb=1"),
    ("sasl.login.class=s3cr3t", "sasl.login.class=(hidden)"),
    *(
        (f"x.{key}.y=s3cr3t", f"x.{key}.y=(hidden)")
        for key in (
            *("passwd", "passphrase", "secret", "token", "credential", "private.key", "privatekey"),
            *("private_key", "access.key", "accesskey", "AccessKey", "account.key", "keystore.key", "pwd"),
        )
    ),
    # XML, also of a person's layout
    (
        "<property><name>a.secret.key</name><value>s3cr3t</value></property>",
        "<property><name>a.secret.key</name><value>(hidden)</value></property>",
    ),
    (
        "<name>\n a.access.key\n</name>\n<final/>\n<value>s3\ncr3t</value>\n<name>b</name><value>c</value>",
        "<name>\n a.access.key\n</name>\n<final/>\n<value>(hidden)</value>\n<name>b</name><value>c</value>",
    ),
    (
        "<name>opts</name><value>-Xmx1g -Da.keyStorePassword=s3&lt;cr3t</value>",
        "<name>opts</name><value>-Xmx1g -Da.keyStorePassword=(hidden)</value>",
    ),
    # shell
    ('export DB_PASSWORD="s3cr3t"', 'export DB_PASSWORD="(hidden)"'),
    ('export DB_PASSWORD="${DB_PASSWORD:-s3cr3t}"', 'export DB_PASSWORD="(hidden)"'),
    ("export A=1 AWS_SECRET_ACCESS_KEY='s3 cr3t'", "export A=1 AWS_SECRET_ACCESS_KEY='(hidden)'"),
    (
        'export OPTS="${OPTS:--Xmx1g -Dssl.password=s3cr3t -Db=2}"',
        'export OPTS="${OPTS:--Xmx1g -Dssl.password=(hidden) -Db=2}"',
    ),
    ("run --password s3cr3t --verbose", "run --password (hidden) --verbose"),
    # units
    ('Environment="DB_PASSWORD=s3 cr3t"', 'Environment="DB_PASSWORD=(hidden)"'),
    ('Environment="A=1" "API_TOKEN=s3cr3t"', 'Environment="A=1" "API_TOKEN=(hidden)"'),
    ("Environment=DB_PASSWORD=s3cr3t", "Environment=DB_PASSWORD=(hidden)"),
    (
        r'Environment="OPTS=-Da=1 -Dx.password=\"s3 cr3t\" -Db=2"',
        r'Environment="OPTS=-Da=1 -Dx.password=\"(hidden)\" -Db=2"',
    ),
    # Spark, YAML, JSON, URLs
    ("spark.opts -Dx.password='s3 cr3t' -Db=2", "spark.opts -Dx.password='(hidden)' -Db=2"),
    ("a:\n  password: s3 cr3t\n  b: c", "a:\n  password: (hidden)\n  b: c"),
    ("- password: s3cr3t", "- password: (hidden)"),
    ("db: {user: a, password: s3cr3t}", "db: {user: a, password: (hidden)}"),
    ('{"a": 1, "x.password": "s3cr3t", "b": 2}', '{"a": 1, "x.password": "(hidden)", "b": 2}'),
    ("url=jdbc:mysql://me:s3cr3t@host/db", "url=jdbc:mysql://me:(hidden)@host/db"),
]
SHOWN = [
    "",
    "tickTime=2000",
    "server.1=millrace-1:2888:3888",
    "yarn.resourcemanager.store.class=org.apache.hadoop.yarn.ZKRMStateStore",
    "<property><name>fs.defaultFS</name><value>hdfs://lab</value></property>",
    "<property><name>dfs.namenode.rpc-address</name><value>a:8020</value></property>",
    "listeners=SASL_SSL://:9092,PLAINTEXT://:9093",
    "listener.security.protocol.map=CONTROLLER:SASL_SSL,PLAINTEXT:PLAINTEXT",
    "log4j.appender.console.layout.ConversionPattern=%p %m (%c)%n",
    "# Managed by Millrace: change the inventory, not this file.",
    "compass=1\nbypass.rate=1\nkey.deserializer=x\nprimary.key=y",
    "password=\nb=1",
    'export PATH="$PATH:/opt/kafka/bin"',
    "spark.yarn.jars local:/opt/spark/jars/*",
    "ExecStart=/opt/kafka/bin/kafka-server-start.sh /etc/kafka/server-%i.properties",
    "Configuration:\n  Loggers:\n    Root: {level: INFO, AppenderRef: {ref: console}}\n",
]


@pytest.mark.parametrize(("text", "shown"), MASKED)
def test_secrets_are_masked(text: str, shown: str) -> None:
    assert host_files.mask(text) == shown
    # In its place among other lines, too.
    assert host_files.mask(f"a=1\n{text}\nb=2\n") == f"a=1\n{shown}\nb=2\n"


@pytest.mark.parametrize("text", SHOWN)
def test_all_else_is_shown(text: str) -> None:
    assert host_files.mask(text) == text


def shown(path: Path, before: str, after: str, **others: Any) -> tuple[str, str]:
    """What the diff shows of a file."""
    path.write_text(before)
    path.chmod(0o644)
    diff = host_files.apply(spec(path, after) | others, check=True)
    assert diff
    return diff["before"], diff["after"]


def test_a_secret_that_changes_is_seen_as_a_line_that_does(tmp_path: Path) -> None:
    path = tmp_path / "a"
    kept = ("a.password=(hidden)\n", "a.password=(hidden)\nb=1\n")
    assert shown(path, "a.password=x\n", "a.password=x\nb=1\n") == kept
    changed = ("a.password=(hidden)\n", "a.password=(hidden, changed)\n")
    assert shown(path, "a.password=x\n", "a.password=y\n") == changed
    xml = "<name>a.secret</name><value>{}</value>"
    assert shown(path, xml.format("x"), xml.format("y")) == (
        xml.format("(hidden)"),
        xml.format("(hidden, changed)"),
    )
    assert shown(path, "", "a.password=y\n") == ("", "a.password=(hidden)\n")


UNSEEN = "(content hidden: it may hold a secret)\n"


@pytest.mark.parametrize("secret", [{"sensitive": True}, {"content": None, "secret_content": "new\n"}])
def test_of_a_sensitive_file_only_is_said_that_it_differs(tmp_path: Path, secret: dict[str, Any]) -> None:
    path = tmp_path / "a"
    assert shown(path, "old\n", "new\n", **secret) == (UNSEEN, f"differs {UNSEEN}")
    path.unlink()
    diff = host_files.apply(spec(path) | secret, check=False)
    assert diff
    assert (diff["before"], diff["after"]) == ("", f"differs {UNSEEN}")
    assert path.read_text() == "new\n"
    assert host_files.apply(spec(path) | secret, check=False) is None
    path.chmod(0o600)
    diff = host_files.apply(spec(path) | secret, check=True)
    assert diff
    assert diff["before"] == diff["after"] == UNSEEN
    assert "(0600 " in diff["before_header"]


def gone(path: Path) -> dict[str, Any]:
    """Return an entry for a file that is not to be there."""
    return {"path": str(path), "state": "absent", "owner": OWNER, "group": GROUP, "mode": "0644"}


@pytest.fixture
def dropin(tmp_path: Path) -> Path:
    """A drop-in with a secret, in a directory of its own."""
    path = tmp_path / "kafka@.service.d" / "millrace.conf"
    path.parent.mkdir()
    path.write_text("[Service]\nEnvironment=DB_PASSWORD=s3cr3t\n")
    return path


def test_a_file_that_is_not_to_be_there_is_removed_with_its_empty_directory(
    tmp_path: Path, dropin: Path
) -> None:
    assert host_files.apply(gone(dropin), check=False) == {
        "before_header": str(dropin),
        "after_header": str(dropin),
        "before": "[Service]\nEnvironment=DB_PASSWORD=(hidden)\n",
        "after": "",
    }
    assert list(tmp_path.iterdir()) == []
    assert host_files.apply(gone(dropin), check=False) is None


def test_what_lies_beside_a_file_that_is_removed_stays(dropin: Path) -> None:
    (dropin.parent / "theirs.conf").touch()
    assert host_files.apply(gone(dropin), check=False)
    assert os.listdir(dropin.parent) == ["theirs.conf"]
    # There is nothing to do any more: an empty directory of others is theirs.
    (dropin.parent / "theirs.conf").unlink()
    assert host_files.apply(gone(dropin), check=False) is None
    assert dropin.parent.is_dir()


def test_check_mode_removes_nothing(dropin: Path) -> None:
    assert host_files.apply(gone(dropin), check=True) == host_files.apply(gone(dropin), check=True)
    assert host_files.apply(gone(dropin), check=True)
    assert dropin.exists()


@pytest.mark.parametrize("check", [True, False])
def test_a_file_that_is_not_there_is_as_it_should_be(tmp_path: Path, check: bool) -> None:
    for path in (tmp_path / "a", tmp_path / "none" / "a"):
        assert host_files.apply(gone(path), check=check) is None
    assert list(tmp_path.iterdir()) == []


def test_nothing_is_removed_through_a_services_link(tmp_path: Path, service: Path) -> None:
    (tmp_path / "system").mkdir()
    (tmp_path / "system" / "a").touch()
    (service / "conf").symlink_to(tmp_path / "system")
    for check in (True, False):
        with pytest.raises(ValueError, match=f"^{service}/conf is a link to {tmp_path}/system, and "):
            host_files.apply(gone(service / "conf" / "a"), check=check)
    assert os.listdir(tmp_path / "system") == ["a"]


def test_of_a_link_that_is_removed_the_target_stays_and_is_not_shown(tmp_path: Path, service: Path) -> None:
    (tmp_path / "shadow").write_text("root:hash\n")
    (service / "a").symlink_to(tmp_path / "shadow")
    diff = host_files.apply(gone(service / "a"), check=False)
    assert diff
    assert diff["before"] == ""
    assert (tmp_path / "shadow").read_text() == "root:hash\n"
