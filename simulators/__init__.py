"""The world outside Utsushi: fictional towns, their vendors' systems and SFTP servers. Everything here is invented.

Simulators are as strict and as nasty as the original. They write their own bytes; they never read the replica.
"""
