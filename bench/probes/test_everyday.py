"""What people ask of a container with testinfra, one probe per module; see bench/probes.toml."""


def test_file(host):
    """A file has its owner, its mode and its content"""
    passwd = host.file("/etc/passwd")
    assert passwd.exists
    assert passwd.is_file
    assert (passwd.user, passwd.group, passwd.mode) == ("root", "root", 0o644)
    assert passwd.contains("^bench:")


def test_package(host):
    """A package is installed, in a version"""
    package = host.package("procps")
    assert package.is_installed
    assert package.version.startswith("2:")


def test_user(host):
    """A user has its number, its group and its home"""
    user = host.user("bench")
    assert user.exists
    assert (user.uid, user.gid, user.group, user.home) == (10001, 10002, "crew", "/srv")


def test_group(host):
    """A group has its number"""
    group = host.group("crew")
    assert group.exists
    assert group.gid == 10002


def test_process(host):
    """The server runs once, as its own user"""
    (server,) = host.process.filter(comm="busybox")
    assert server.user == "bench"


def test_socket(host):
    """The server listens on its port"""
    assert host.socket("tcp://8080").is_listening


def test_command(host):
    """A command gives its output and its status"""
    result = host.run("echo one; echo two >&2; exit 3")
    assert (result.rc, result.stdout, result.stderr) == (3, "one\n", "two\n")
    assert host.check_output("id -un") == "bench"


def test_environment(host):
    """A variable of the environment is set"""
    assert host.environment()["BENCH_COLOUR"] == "green"


def test_interface(host):
    """An interface is up and has its address"""
    loopback = host.interface("lo")
    assert loopback.exists
    assert "127.0.0.1" in loopback.addresses


def test_mount_point(host):
    """A file system is mounted where it belongs"""
    proc = host.mount_point("/proc")
    assert proc.exists
    assert proc.filesystem == "proc"


def test_sysctl(host):
    """A setting of the kernel has its value"""
    assert host.sysctl("kernel.ostype") == "Linux"
