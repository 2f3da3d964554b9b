"""What is installed of which product, from the committed locks alone."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest
from ansible.errors import AnsibleFilterError
from artifacts_of import FilterModule, artifacts_of

from artifacts.lock import Tarball
from artifacts.product import PRODUCTS, known, load

CHECKOUT = Path(__file__).parents[2]


@pytest.fixture
def artifacts(tmp_path: Path) -> str:
    """A builder with two versions of kafka and one of spark."""
    for stem in ("kafka-0.8.2.1", "kafka-4.3.0", "spark-2.2.1"):
        directory = tmp_path.joinpath("products", *stem.split("-"))
        directory.mkdir(parents=True)
        text = Tarball(stem, "0123456789abcdef" * 8, "0" * 16).text()
        (directory / "tarball.sha512").write_text(text)
    return str(tmp_path)


def test_golden(artifacts: str) -> None:
    kafka = {
        "name": "kafka",
        "version": "4.3.0",
        "tarball": "/var/cache/millrace/kafka-4.3.0-0123456789abcdef.tar",
        "sha512": "0123456789abcdef" * 8,
    }
    assert artifacts_of(["kafka-4.3.0"], artifacts, "/var/cache/millrace") == [kafka]
    mixed = artifacts_of([("spark", "2.2.1"), ["kafka", "4.3.0"], "kafka-0.8.2.1"], artifacts, "/d")
    assert [each["tarball"].split("-")[:2] for each in mixed] == [
        ["/d/spark", "2.2.1"],
        ["/d/kafka", "4.3.0"],
        ["/d/kafka", "0.8.2.1"],
    ]
    assert artifacts_of([], artifacts, "/d") == []


def test_unknown_version_names_the_known_ones_of_the_product(artifacts: str) -> None:
    with pytest.raises(AnsibleFilterError) as refused:
        artifacts_of(["spark-2.2.1", "kafka-4.3.1"], artifacts, "/d")
    assert refused.value.message == (
        f"artifacts_of: there is no kafka 4.3.1 in {artifacts}/products: its versions are 0.8.2.1 4.3.0"
    )
    for product in ("flume-1.0", ("..", "products"), "kafka-../spark/2.2.1"):
        with pytest.raises(AnsibleFilterError, match=r"there is no .* in "):
            artifacts_of([product], artifacts, "/d")
    with pytest.raises(AnsibleFilterError, match=r"the products are kafka spark$"):
        artifacts_of(["flume-1.0"], artifacts, "/d")
    with pytest.raises(AnsibleFilterError, match=r"the products are none$"):
        artifacts_of(["flume-1.0"], f"{artifacts}/products", "/d")


@pytest.mark.parametrize("product", ["kafka", ["kafka", 0.1], ["kafka"], 4.3], ids=str)
def test_what_is_no_product_is_refused(artifacts: str, product: list[str]) -> None:
    with pytest.raises(
        AnsibleFilterError, match="is no product: give NAME-VERSION, or a list of both, as text"
    ):
        artifacts_of([product], artifacts, "/d")


@pytest.mark.parametrize(
    "change",
    [
        lambda text: "",
        lambda text: text.replace("kafka", "spark"),
        lambda text: text + text,
        lambda text: f"<<<<<<< HEAD\n{text}=======\n{text}>>>>>>> branch\n",
    ],
    ids=["empty", "another's", "twice", "merged"],
)
def test_broken_lock_is_refused(artifacts: str, change: object) -> None:
    path = Path(artifacts, "products", "kafka", "4.3.0", "tarball.sha512")
    assert callable(change)
    path.write_text(change(path.read_text()))
    with pytest.raises(AnsibleFilterError) as refused:
        artifacts_of(["kafka-4.3.0"], artifacts, "/d")
    assert refused.value.message == (
        f"artifacts_of: {path} is no lock of a tarball: restore it, or make it with "
        "python -m artifacts pack kafka=4.3.0"
    )


def test_it_reads_the_locks_as_the_builder_does() -> None:
    pairs = known()
    assert len(pairs) == 11
    for pair, found in zip(pairs, artifacts_of(pairs, str(PRODUCTS.parent), "/d"), strict=True):
        locked = load(*pair).locked_tarball()
        assert locked
        assert (found["tarball"], found["sha512"]) == (f"/d/{locked.name}", locked.sha512)


def test_ansible_finds_the_filter_and_its_documentation() -> None:
    assert FilterModule().filters() == {"artifacts_of": artifacts_of}
    shown = subprocess.run(
        ["ansible-doc", "--type", "filter", "--json", "artifacts_of"],
        cwd=CHECKOUT, capture_output=True, text=True, check=True,
    )  # fmt: skip
    (page,) = json.loads(shown.stdout).values()
    assert page["doc"]["options"].keys() == {"_input", "artifacts", "directory"}
    assert "artifacts_of(" in page["examples"]
    assert page["return"]["_value"]["contains"].keys() == {"name", "version", "tarball", "sha512"}
