"""Machines to reach, and what can go wrong on the way there."""

from builders.reaching import agent, busybox_image, lone_sshd, reach, ssh_folder, sshd, workspace

__all__ = ["agent", "busybox_image", "lone_sshd", "reach", "ssh_folder", "sshd", "workspace"]
