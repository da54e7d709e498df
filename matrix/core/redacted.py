"""What was measured on a customer's machine, as it may be written down. Pure.

As ``core.sink``, but what is taken out must not change what was found: ids of planned probes,
reasons and image ids that are our own words stay as they are, so that planned and reported can
still be compared. Facts that name the machine become tokens whatever they are called. The
fingerprint is made anew with the customer's key: from the plain one, addresses could be guessed.
"""

import re
from dataclasses import replace

from matrix.core.errors import RETRYABLE
from matrix.core.ports import Event
from matrix.core.redaction import Redactor, Taken
from matrix.core.result import (
    Attempt,
    CellResult,
    CommandRecord,
    EnvironmentFinding,
    Fact,
    Fault,
    HostFinding,
    ProbeResult,
    Run,
)
from matrix.core.sink import Clean, clean_cell, clean_finding, clean_leftover
from matrix.core.text import decode

#: Reasons that no class of errors has.
OTHER_REASONS = frozenset(
    {
        *("", "assertion", "code", "control", "empty", "excluded", "exit", "missing", "no-shell"),
        *("probe-set", "requirement", "retried", "skipped", "xfailed", "tool"),
    }
)
#: Facts that are names, whatever they look like: fact → kind of the token.
NAMING_FACTS = {"hostname": "host", "dns_search": "host", "engine.id": "engine"}

_IMAGE_ID = re.compile("(?:sha256:)?[0-9a-f]{64}|")


class Counting:
    """A redactor that counts what it takes out of the texts it is called with."""

    def __init__(self, redactor: Redactor) -> None:
        self.redactor = redactor
        self.taken = Taken()

    def __call__(self, text: str) -> str:
        """*text* as it may be written down."""
        redacted, taken = self.redactor.take_out(text)
        self.taken.update(taken)
        return redacted


def redact_run(run: Run, counting: Counting) -> Run:
    """A run with everything in it."""
    return replace(
        run,
        release=counting(run.release),
        by=_who(run.by, counting),
        results=tuple(redact_cell(result, counting) for result in run.results),
        findings=tuple(redact_finding(finding, counting) for finding in run.findings),
        leftovers=tuple(clean_leftover(leftover, counting) for leftover in run.leftovers),
    )


def redact_cell(result: CellResult, counting: Counting) -> CellResult:
    """The answer for one cell with all its evidence; its verdict is never another."""
    whole = replace(
        result, attempts=tuple(_without_halves(attempt, counting) for attempt in result.attempts)
    )
    made = clean_cell(whole, counting)
    pairs = zip(result.attempts, made.attempts, strict=True)
    return replace(
        made,
        reason=_reason(result.reason, made.reason),
        image_id=_image_id(result.image_id, made.image_id),
        fingerprint=_fingerprint(result.fingerprint, counting.redactor),
        attempts=tuple(_attempt(before, attempt) for before, attempt in pairs),
    )


def redact_finding(finding: EnvironmentFinding, counting: Counting) -> EnvironmentFinding:
    """What was found out about an environment."""
    made = clean_finding(finding, counting)
    pairs = zip(finding.hosts, made.hosts, strict=True)
    return replace(made, hosts=tuple(_host(before, host, counting) for before, host in pairs))


def redact_event(event: Event, clean: Clean) -> Event:
    """A step of a run for whoever watches; of a result only what is shown of it is left."""
    result = event.result
    return replace(
        event,
        text=clean(event.text),
        result=None if result is None else _headline(result, clean),
    )


def names_in(finding: EnvironmentFinding) -> frozenset[str]:
    """What the hosts and their network are called, the parts of a long name too."""
    found: set[str] = set()
    for host in finding.hosts:
        for fact in ("hostname", "dns_search"):
            for name in str(host.facts.get(fact) or "").split():
                found |= parts_of_name(name)
    return frozenset(found)


def parts_of_name(name: str) -> frozenset[str]:
    """``db7.acme.example`` → itself, ``db7`` and ``acme.example``; no top domain alone."""
    first, _, domain = name.strip(".").partition(".")
    return frozenset({name.strip("."), first, *((domain,) if "." in domain else ())} - {""})


def _who(by: str, counting: Counting) -> str:
    """``user@machine``, the machine as a token even where its name is too short to look for."""
    user, at, machine = by.rpartition("@")
    return f"{counting(user)}{at}{_stand_in('host', machine, counting)}"


def _headline(result: CellResult, clean: Clean) -> CellResult:
    return replace(
        result,
        reason=_reason(result.reason, clean(result.reason)),
        message=clean(result.message),
        attempts=tuple(_bare(attempt) for attempt in result.attempts),
    )


def _bare(attempt: Attempt) -> Attempt:
    """Its times, and how many probes came to what."""
    probes = (
        replace(probe, title="", reason="", message="", detail="", commands=(), output="")
        for probe in attempt.probes
    )
    return replace(
        attempt, reason="", message="", traceback="", probes=tuple(probes), faults=(), logs={}
    )


def _without_halves(attempt: Attempt, counting: Counting) -> Attempt:
    probes = (
        replace(probe, commands=tuple(_cut_command(one, counting) for one in probe.commands))
        for probe in attempt.probes
    )
    return replace(attempt, probes=tuple(probes))


def _cut_command(record: CommandRecord, counting: Counting) -> CommandRecord:
    """Where the middle of an output was not kept, half a secret may stand on either side."""
    raw = record.result
    stdout, stdout_bytes = _cut_output(raw.stdout, raw.stdout_bytes, counting)
    stderr, stderr_bytes = _cut_output(raw.stderr, raw.stderr_bytes, counting)
    result = replace(
        raw, stdout=stdout, stdout_bytes=stdout_bytes, stderr=stderr, stderr_bytes=stderr_bytes
    )
    return replace(record, result=result)


def _cut_output(data: bytes, came: int, counting: Counting) -> tuple[bytes, int]:
    """Head and tail, as long as one another, each on its own; and more than that came."""
    if came <= len(data):
        return data, came
    middle = len(data) - len(data) // 2
    kept = "".join(counting(decode(part)) for part in (data[:middle], data[middle:])).encode()
    return kept, max(came, len(kept) + 1)


def _attempt(before: Attempt, made: Attempt) -> Attempt:
    planned = frozenset(before.planned)
    probes = zip(before.probes, made.probes, strict=True)
    faults = zip(before.faults, made.faults, strict=True)
    return replace(
        made,
        reason=_reason(before.reason, made.reason),
        planned=before.planned,
        image_id=_image_id(before.image_id, made.image_id),
        probes=tuple(_probe(one, probe, planned) for one, probe in probes),
        faults=tuple(_fault(one, fault) for one, fault in faults),
    )


def _probe(before: ProbeResult, made: ProbeResult, planned: frozenset[str]) -> ProbeResult:
    return replace(
        made,
        id=before.id if before.id in planned else made.id,
        reason=_reason(before.reason, made.reason),
    )


def _host(before: HostFinding, made: HostFinding, counting: Counting) -> HostFinding:
    fault = _fault(before.fault, made.fault) if before.fault and made.fault else None
    return replace(
        made,
        fault=fault,
        fingerprint=_fingerprint(before.fingerprint, counting.redactor),
        facts={**made.facts, **_naming(before, counting)},
    )


def _naming(host: HostFinding, counting: Counting) -> dict[str, Fact]:
    found = ((fact, kind, host.facts.get(fact)) for fact, kind in NAMING_FACTS.items())
    return {
        fact: " ".join(_stand_in(kind, name, counting) for name in value.split())
        for fact, kind, value in found
        if isinstance(value, str) and value
    }


def _stand_in(kind: str, name: str, counting: Counting) -> str:
    """The token of what is a name for sure; what names any machine names none, and stays."""
    if name in ("", ".", "localhost"):
        return name
    counting.taken["name"] += 1
    return counting.redactor.token(kind, name)


def _fault(before: Fault, made: Fault) -> Fault:
    return replace(made, reason=_reason(before.reason, made.reason))


def _reason(before: str, made: str) -> str:
    return before if before in RETRYABLE or before in OTHER_REASONS else made


def _image_id(before: str, made: str) -> str:
    return before if _IMAGE_ID.fullmatch(before) else made


def _fingerprint(before: str, redactor: Redactor) -> str:
    """As many as there are hosts, joined by a plus; none for a host that was not measured."""
    parts = before.split("+")
    return "+".join(redactor.digest("fingerprint", part) if part else "" for part in parts)
