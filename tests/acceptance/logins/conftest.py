"""An sshd with odd accounts, shared by the tests here."""

from builders.reaching import lone_sshd, ssh_folder, sshd

__all__ = ["lone_sshd", "ssh_folder", "sshd"]
