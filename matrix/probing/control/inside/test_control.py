"""The two controls of every cell, for a container with a shell: can we see at all?"""

import secrets

import testinfra.host


def test_planted_nonce_is_seen(host: testinfra.host.Host, nonce: str) -> None:
    """What was planted in the container is seen in it."""
    seen = host.run('printf %%s "$MATRIX_NONCE"; test "$MATRIX_NONCE" = %s', nonce)
    assert (seen.rc, seen.stdout) == (0, nonce)


def test_unplanted_nonce_is_not_seen(host: testinfra.host.Host) -> None:
    """What was not planted is not seen, and a command that fails is seen to fail."""
    other = secrets.token_hex(16)
    assert other not in host.run("env").stdout
    assert host.run('test "$MATRIX_NONCE" = %s', other).rc == 1
