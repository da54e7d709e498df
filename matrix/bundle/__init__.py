"""Offline kits for customers and the signed results that come back.

What is signed is signed in a form that others can check without us: a kit by OpenSSH's
``ssh-keygen -Y verify``, a result as a DSSE envelope around an in-toto Statement.
"""
