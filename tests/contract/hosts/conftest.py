"""Machines to reach: this one, and an sshd of our own."""

from builders.reaching import busybox_image, reach, sshd, workspace

__all__ = ["busybox_image", "reach", "sshd", "workspace"]
