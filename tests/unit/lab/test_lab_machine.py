"""What the machine allows and has taken."""

import sys
from ipaddress import IPv4Network

import pytest

from matrix.core.errors import UsageError
from matrix.lab.machine import routes, withheld_capabilities
from matrix.lab.networks import refuse_taken
from matrix.lab.plan import LabNetwork

HEAD = "Iface\tDestination\tGateway\tFlags\tRefCnt\tUse\tMetric\tMask\tMTU\tWindow\tIRTT\n"
OURS = LabNetwork(name="compat-lab-open", subnet=IPv4Network("10.213.77.0/24"), internal=False)


def test_no_capability_is_withheld_from_a_full_set():
    assert withheld_capabilities("Name:\tx\nCapBnd:\t000001ffffffffff\nSeccomp:\t0\n") == ()


def test_a_bit_that_is_not_set_is_a_capability_withheld():
    assert withheld_capabilities("CapBnd:\t000001fffeffffff\n") == ("SYS_RESOURCE",)
    assert withheld_capabilities("CapBnd:\t000001fffcffffff\n") == ("SYS_RESOURCE", "SYS_TIME")


@pytest.mark.skipif(sys.byteorder != "little", reason="the kernel prints words as they are stored")
def test_routes_are_read_without_the_default_one():
    table = HEAD + (
        "eth0\t00000000\t010200C0\t0003\t0\t0\t0\t00000000\t0\t0\t0\n"
        "docker0\t000011AC\t00000000\t0001\t0\t0\t0\t0000FFFF\t0\t0\t0\n"
    )
    assert routes(table) == (("docker0", IPv4Network("172.17.0.0/16")),)


def test_a_network_beside_the_others_is_free():
    refuse_taken(OURS, [("eth0", IPv4Network("192.168.1.0/24"))])


@pytest.mark.parametrize("subnet", ["10.213.77.0/24", "10.0.0.0/8", "10.213.77.128/25"])
def test_an_overlap_says_with_what_and_how_to_change_it(subnet: str):
    with pytest.raises(UsageError) as caught:
        refuse_taken(OURS, [("tun0", IPv4Network(subnet))])
    said = str(caught.value)
    assert all(word in said for word in ("10.213.77.0/24", subnet, "tun0", "subnet", "inventory"))
