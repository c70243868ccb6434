"""The hosts file: what it may say, and what is said of one that can't be used."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.cli import main
from bench.hosts import Host, Use, check_beside, read
from cases.errors import OmgateError

WHOLE = """
[hosts.atlas310]
ssh = "me@atlas310"
python = "/usr/local/python3.9/bin/python3"
options = ["-p", "2222"]
environment = { GLOG_v = "2" }
set_env = "/usr/local/Ascend/ascend-toolkit/set_env.sh"

[hosts.train]
ssh = "train"

[backends.om-sdk]
host = "atlas310"
devices = [1, 0]
om = "/data/mcnn.om"

[backends.ckpt]
host = "train"
"""


def written(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "hosts.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_a_whole_file(tmp_path: Path) -> None:
    found = read(written(tmp_path, WHOLE))
    atlas = Host(
        "atlas310",
        "me@atlas310",
        "/usr/local/python3.9/bin/python3",
        ("-p", "2222"),
        (("GLOG_v", "2"),),
        "/usr/local/Ascend/ascend-toolkit/set_env.sh",
    )
    train = Host("train", "train", "python3")
    assert found.hosts == (atlas, train)
    assert found.uses == {
        "om-sdk": Use("om-sdk", atlas, (1, 0), "/data/mcnn.om"),
        "ckpt": Use("ckpt", train),
    }
    assert (str(atlas), str(train)) == ("atlas310 (ssh me@atlas310)", "train")


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ('ssh = "train"', "", "hosts.train.ssh: missing; allowed is a text of one line"),
        ('ssh = "train"', 'shh = "train"', 'hosts.train.shh: unknown key; allowed are ssh, python, options, environment, set_env; the nearest is "ssh"'),
        ('ssh = "train"', 'ssh = "-oProxyCommand=e"', 'hosts.train.ssh: seen "-oProxyCommand=e"; allowed is a destination'),
        ('ssh = "train"', 'ssh = "a b"', 'hosts.train.ssh: seen "a b"'),
        ('ssh = "train"', 'ssh = "a\\nb"', 'hosts.train.ssh: seen "a\\nb"'),
        ('ssh = "train"', 'ssh = "train"\npython = "-c"', "hosts.train.python"),
        ('ssh = "train"', 'ssh = "train"\nset_env = "env.sh"', 'set_env: seen "env.sh"; allowed is an absolute path over there'),
        ('ssh = "train"', 'ssh = "train"\ndevices = [0]', "hosts.train.devices: unknown key"),
        ("hosts.train", 'hosts."a b"', "hosts.a b: allowed in a host's name"),
        ('options = ["-p", "2222"]', 'options = "-p 2222"', 'options: seen "-p 2222"; allowed is a list of texts'),
        ("GLOG_v =", '"A B" =', "environment.A B"),
        ('"2" }', "2 }", "environment.GLOG_v"),
        ("[1, 0]", "[]", "backends.om-sdk.devices: seen []; allowed is a list of devices' numbers"),
        ("[1, 0]", "[1, 1]", "devices: seen [1, 1]"),
        ("[1, 0]", "[-1]", "devices: seen [-1]"),
        ("[1, 0]", "[true]", "devices"),
        ("om = ", "ckpt = ", 'backends.om-sdk.ckpt: seen for om-sdk, whose model is named by "om"'),
        ('om = "/data', 'om = "data', 'om: seen "data/mcnn.om"; allowed is an absolute path'),
        ('host = "train"', 'host = "trian"', 'backends.ckpt.host: seen "trian"; allowed is one of "atlas310", "train"; the nearest is "train"'),
        ("backends.ckpt", "backends.cpkt", 'backends.cpkt: unknown key; allowed are reference, ckpt, om-sdk, om-mxbase; the nearest is "ckpt"'),
        ("[hosts.train]", "[host.train]", 'host: unknown key; allowed are hosts, backends'),
        ("[hosts.train]", "[hosts.train", "hosts.toml:9: no TOML"),
    ],
)  # fmt: skip
def test_a_wrong_one_is_one_line_with_file_and_key(tmp_path: Path, old: str, new: str, told: str) -> None:
    assert old in WHOLE
    with pytest.raises(OmgateError) as caught:
        read(written(tmp_path, WHOLE.replace(old, new)))
    assert told in str(caught.value)
    assert str(caught.value).startswith(str(tmp_path / "hosts.toml"))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "text", ["", "hosts = 3", "hosts = {}", "hosts = { a = 3 }", "[hosts.a]\nssh='a'\n[backends]\nckpt=1"]
)
def test_a_file_without_tables_is_refused(tmp_path: Path, text: str) -> None:
    with pytest.raises(OmgateError, match=r"hosts.*a.* table"):
        read(written(tmp_path, text))


VALUES = st.recursive(
    st.one_of(st.booleans(), st.integers(), st.text(), st.just("/a"), st.just("a")),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=3), inner, max_size=3)
    ),
    max_leaves=5,
)


@given(host=VALUES, key=st.sampled_from(["ssh", "python", "options", "environment", "set_env"]))
def test_any_value_is_taken_or_refused_in_one_line(
    tmp_path_factory: pytest.TempPathFactory, host: object, key: str
) -> None:
    import bench.hosts as module

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "parse", lambda path: {"hosts": {"a": {"ssh": "a", key: host}}})
        told = ""
        try:
            module.read(Path("hosts.toml"))
        except OmgateError as error:
            told = str(error)
        assert told.isprintable()


@pytest.mark.parametrize("option", ["emulate", "perfstats", "attribution"])
def test_options_that_mean_this_machine_are_refused(tmp_path: Path, option: str) -> None:
    found = read(written(tmp_path, WHOLE))
    given = dict.fromkeys(("emulate", "perfstats", "attribution"), False)
    check_beside(found, **given)
    with pytest.raises(OmgateError, match=rf"--{option} with --hosts: .* has .*om-sdk on atlas310"):
        check_beside(found, **{**given, option: True})


def test_doctor_says_what_is_wrong_with_it(tmp_path: Path) -> None:
    err = io.StringIO()
    path = written(tmp_path, "[hosts.a]\nshh = 'b'\n")
    assert main(["doctor", "--hosts", str(path)], io.StringIO(), err) == 2
    assert f"{path}:hosts.a.shh: unknown key" in err.getvalue()
    assert err.getvalue().count("\n") == 1
