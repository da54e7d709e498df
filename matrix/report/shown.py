"""An attempt with its evidence as JSON, as the page's panel reads it."""

from matrix.core.verdict import Verdict
from matrix.report.evidence import ShownAttempt, ShownCommand, ShownProbe

#: What json.dumps takes; each maker of one says its keys.
Json = dict[str, object]


def attempt_json(shown: ShownAttempt) -> Json:
    """The keys that ``templates/script/evidence.js`` reads."""
    attempt = shown.attempt
    return {
        "number": attempt.number,
        "host": attempt.host,
        "verdict": attempt.verdict.value,
        "reason": attempt.reason,
        "message": attempt.message,
        "decides": shown.decides,
        "faults": [{"reason": each.reason, "message": each.message} for each in shown.faults],
        "traceback": shown.traceback,
        "started_at": attempt.started_at.isoformat(),
        "seconds": attempt.seconds,
        "steps": dict(attempt.steps),
        "image": attempt.image_id,
        "unreported": list(shown.unreported),
        "logs": [list(log) for log in shown.logs],
        "sides": [
            {"side": side.value, "probes": [_probe(probe) for probe in probes]}
            for side, probes in shown.sides
        ],
    }


def _probe(shown: ShownProbe) -> Json:
    probe = shown.result
    found: Json = {
        "id": probe.id,
        "title": probe.title,
        "verdict": probe.verdict.value,
        "seconds": probe.seconds,
        "commands": [_command(command) for command in shown.commands],
    }
    texts = {
        "reason": probe.reason if probe.verdict is not Verdict.PASSED else "",
        "message": shown.message,
        "detail": shown.detail,
        "output": shown.output,
    }
    found.update({name: text for name, text in texts.items() if text})
    if shown.commands_left_out:
        found["left_out"] = shown.commands_left_out
    return found


def _command(shown: ShownCommand) -> Json:
    found: Json = {
        "command": shown.command,
        "exit": shown.exit_status,
        "seconds": shown.seconds,
    }
    texts = {
        "target": shown.target,
        "stdout": shown.stdout,
        "stderr": shown.stderr,
        "truncated": shown.truncated,
    }
    found.update({name: text for name, text in texts.items() if text})
    return found
