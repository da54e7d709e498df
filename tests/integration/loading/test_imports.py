"""Inventories made from the files of other tools, which are hostile until they are checked."""

import json
import os
import tomllib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from matrix.core.errors import UsageError
from matrix.core.model import Kind
from matrix.loading import import_inventory
from matrix.loading.ansible import found_in
from matrix.loading.imported import Found, FoundMachine, inventory_text, quote
from matrix.loading.ssh_config import filter_config

LISTED = {
    "_meta": {
        "hostvars": {
            "qa-1": {
                "ansible_host": "10.0.0.1",
                "ansible_port": 2222,
                "ansible_user": "deploy",
                "ansible_ssh_private_key_file": "~/.ssh/qa",
                "ansible_become": True,
                "ansible_password": "s3cret",
            },
            "Shop_DB.example": {"ansible_user": "root"},
            "here": {"ansible_connection": "local"},
            "windows": {"ansible_connection": "winrm"},
            "templated": {"ansible_host": "{{ lookup('pipe', 'id') }}", "ansible_user": "u"},
            "template": {"ansible_ssh_private_key_file": "{{ keys }}/k", "ansible_user": "u"},
            "shell": {"ansible_host": "$(id)", "ansible_user": "u"},
            "option": {"ansible_host": "-oProxyCommand=id", "ansible_user": "u"},
            "port": {"ansible_port": "22; id", "ansible_user": "u"},
        }
    },
    "all": {"children": ["ungrouped", "production"]},
    "production": {"hosts": ["Shop_DB.example"]},
    "ungrouped": {"hosts": ["qa-1"]},
}


def loaded(files, text):
    files.write("inventories/lab.toml", text)
    files.change("matrix.toml", 'allow_unsupported = ["queue@qa"]', "")
    return {environment.name: environment for environment in files.load().environments}


def test_machines_of_ansible_become_environments_that_load(files):
    files.write("hosts.json", json.dumps(LISTED))
    text = import_inventory("ansible", files.root / "hosts.json")
    environments = loaded(files, text)
    assert set(environments) == {"qa-1", "shop-db-example", "here"}
    (qa,) = environments["qa-1"].hosts
    assert (qa.ssh.address, qa.ssh.port, qa.ssh.user) == ("10.0.0.1", 2222, "deploy")
    assert (qa.engine_sudo, qa.ssh.identity_file.name) == (True, "qa")
    assert environments["shop-db-example"].kind is Kind.PRODUCTION
    assert environments["shop-db-example"].labels == {"groups": "production"}
    assert environments["here"].hosts[0].connection == "local"


def test_what_is_not_taken_from_ansible_is_said_without_its_value(files):
    files.write("hosts.json", json.dumps(LISTED))
    text = import_inventory("ansible", files.root / "hosts.json")
    assert "# Not taken from Ansible: ansible_password." in text
    assert "s3cret" not in text
    for name in ("windows", "templated", "template", "shell", "option", "port"):
        assert f'# Not taken: machine "{name}"' in text


@pytest.mark.parametrize(
    "listed", [[], {}, {"_meta": []}, {"_meta": {"hostvars": [1]}}, "x", None, 5]
)
def test_something_else_than_a_listing_is_refused(listed):
    with pytest.raises(UsageError, match="not what"):
        found_in(listed)


@settings(deadline=None)
@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(max_size=8),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(
                st.sampled_from(
                    [
                        "ansible_host",
                        "ansible_port",
                        "ansible_user",
                        "hosts",
                        "ansible_connection",
                        "x",
                    ]
                ),
                inner,
                max_size=4,
            )
        ),
        max_leaves=12,
    )
)
def test_no_listing_breaks_the_import(content):
    found = found_in(
        {"_meta": {"hostvars": {"a": content, "b": {"ansible_user": "u"}}}, "g": content}
    )
    tomllib.loads(inventory_text(found, origin="x"))


@settings(deadline=None)
@given(st.text(max_size=40), st.lists(st.text(max_size=20), max_size=3))
def test_no_text_gets_out_of_its_string_or_comment(name, words):
    machine = FoundMachine(name=name, ssh=None, groups=tuple(words), notes=tuple(words))
    text = inventory_text(Found(machines=(machine,), left_out=tuple(words)), origin=name)
    data = tomllib.loads(text)
    assert list(data) == ["environments"]
    (environment,) = data["environments"].values()
    assert set(environment) <= {"title", "kind", "engine", "labels", "hosts"}


@settings(deadline=None)
@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_a_quoted_text_is_read_as_it_was(text):
    assert tomllib.loads(f"x = {quote(text)}")["x"] == text


def test_ansible_is_asked_in_an_empty_place_with_plugins_that_only_read(files, monkeypatch):
    tool = files.root / "bin/ansible-inventory"
    files.write(
        "bin/ansible-inventory",
        f'#!/bin/sh\nenv > {files.root}/seen; pwd >> {files.root}/seen; echo "$@" >> '
        f"{files.root}/seen\necho '{json.dumps(LISTED)}'\n".replace("lookup('pipe', 'id')", "x"),
    )
    tool.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tool.parent}:{os.environ['PATH']}")
    monkeypatch.setenv("ANSIBLE_VAULT_PASSWORD_FILE", "/secret")
    files.write("hosts.ini", "[a]\nb\n")
    assert "environments.qa-1" in import_inventory("ansible", files.root / "hosts.ini")
    seen = (files.root / "seen").read_text()
    assert "ANSIBLE_INVENTORY_ENABLED=yaml,ini\n" in seen
    assert "ANSIBLE_VAULT" not in seen
    assert f"--list -i {files.root}/hosts.ini" in seen
    assert str(files.root) not in seen.split("PWD=")[1].splitlines()[0]


def test_without_ansible_we_say_what_to_do(files, monkeypatch):
    monkeypatch.setenv("PATH", "/nowhere")
    files.write("hosts.ini", "[a]\nb\n")
    with pytest.raises(UsageError, match=r"install ansible-core, or give a \.json file"):
        import_inventory("ansible", files.root / "hosts.ini")


SSH_CONFIG = """
# comment
Host gate
  HostName 10.9.9.9
  User me
  IdentityFile ~/.ssh/gate
  UserKnownHostsFile {root}/known_hosts

Host qa *.example
  HostName %h.example.org
  User = deploy
  IdentityFile "{root}/a key"
  UserKnownHostsFile {root}/known_hosts
  HostKeyAlias qa-alias
  ProxyJump gate,bob@other:2200

Host *
  Port 2022
  UserKnownHostsFile {root}/known_hosts
"""
KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIP" + "A" * 42


def test_hosts_of_an_ssh_config_become_environments_that_load(files):
    files.write("known_hosts", f"qa-alias {KEY}\n")
    files.write("config", SSH_CONFIG.format(root=files.root))
    environments = loaded(files, import_inventory("ssh-config", files.root / "config"))
    assert set(environments) == {"gate", "qa"}
    gate = environments["gate"].hosts[0].ssh
    assert (gate.address, gate.port, gate.user) == ("10.9.9.9", 2022, "me")
    qa = environments["qa"].hosts[0].ssh
    assert (qa.address, qa.user, qa.identity_file) == (
        "qa.example.org",
        "deploy",
        files.root / "a key",
    )
    assert (qa.host_keys, qa.known_hosts) == ((KEY,), None)
    assert (qa.jump.address, qa.jump.user, qa.jump.port) == ("other", "bob", 2200)
    assert qa.jump.jump == gate


def test_nothing_an_ssh_config_says_is_run(files):
    ran = files.root / "ran"
    files.write("more", f'Match exec "touch {ran}"\n')
    files.write(
        "config",
        f"""
Match exec "touch {ran}"
  User root
"Match" exec "touch {ran}"
Include {files.root}/more
Host qa
  HostName 10.0.0.1
  User me
  ProxyCommand touch {ran}
  LocalCommand touch {ran}
  KnownHostsCommand /usr/bin/touch {ran}
  PermitLocalCommand yes
  CanonicalizeHostname always
Host -oProxyCommand=id
  User me
Host "a b"
  User me
Host dollar$(id)
  User me
""",
    )
    text = import_inventory("ssh-config", files.root / "config")
    assert not ran.exists()
    for words in ("line 2, Match", "line 5, Include", "ProxyCommand", "KnownHostsCommand"):
        assert words in text
    assert list(loaded(files, text)) == ["qa"]


@settings(deadline=None)
@given(st.text(max_size=200))
def test_only_keywords_that_name_things_are_left_of_a_config(text):
    filtered = filter_config(text)
    for line in filtered.text.splitlines():
        word = line.split("=")[0].split()[0].lower() if line.strip() else ""
        assert word in (
            "",
            "host",
            "hostname",
            "port",
            "user",
            "identityfile",
            "proxyjump",
            "userknownhostsfile",
            "hostkeyalias",
        )


def test_what_holds_only_for_some_is_not_taken_for_all():
    filtered = filter_config("Match host x\n User root\nHost a\n Port 1\n")
    assert filtered.text == "Host a\n Port 1\n"
    assert filtered.left_out == ("line 1, Match", "line 2, User")


@pytest.mark.parametrize(
    ("config", "words"),
    [
        ("Host a\n ProxyJump a\n User u\n", "jumphost loop"),
        ("Host a\n IdentityFile ~/%r\n User u\n", "depends on where it is used"),
        ("Host a\n User a;id\n", "is not a login name"),
        ("Host a\n User u\n HostName $(id)\n", "shell characters"),
        ("Host *\n User u\n", "names no machine"),
        ("", "names no machine"),
    ],
)
def test_a_host_that_cannot_be_taken_over_says_why(files, config, words):
    files.write("config", config)
    with pytest.raises(UsageError, match="names no machine that can be taken over") as caught:
        import_inventory("ssh-config", files.root / "config")
    assert words in str(caught.value)


def test_a_host_that_nobody_checks_is_not_taken_over_as_such(files):
    files.write("config", "Host a\n User u\n UserKnownHostsFile /dev/null\n IdentityFile ~/k\n")
    text = import_inventory("ssh-config", files.root / "config")
    assert 'known_hosts = "~/.ssh/known_hosts"' in text
    assert "it is not checked who answers there" in text


def test_an_unknown_source_is_refused_with_the_known_ones(files):
    with pytest.raises(UsageError, match="known: ansible, ssh-config"):
        import_inventory("puppet", files.root)
