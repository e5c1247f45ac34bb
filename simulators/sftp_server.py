"""A vendor's SFTP server: its own host key, key authentication only, and nothing outside its folder can be seen."""

from __future__ import annotations

import os
from pathlib import Path

import asyncssh

USER = "utsushi"


class _Server(asyncssh.SSHServer):
    """No passwords, whoever asks."""

    def password_auth_supported(self) -> bool:
        return False

    def kbdint_auth_supported(self) -> bool:
        return False


class _Files(asyncssh.SFTPServer):
    """The vendor's folder as the root of everything."""

    def __init__(self, chan: asyncssh.SSHServerChannel[bytes], root: Path) -> None:
        super().__init__(chan, chroot=os.fsencode(root))


def ensure_key(path: Path) -> asyncssh.SSHKey:
    """The key in ``path``, made when there is none yet (Ed25519, readable by its owner only)."""
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        key = asyncssh.generate_private_key("ssh-ed25519")
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(key.export_private_key())
    return asyncssh.read_private_key(path)


def public_line(key: asyncssh.SSHKey) -> str:
    """The public key as one OpenSSH line."""
    return key.export_public_key().decode().strip()


async def serve(
    root: Path, host_key: asyncssh.SSHKey, client_key: asyncssh.SSHKey, port: int = 0
) -> asyncssh.SSHAcceptor:
    """Serve ``root`` on 127.0.0.1; port 0 takes a free one."""
    allowed = asyncssh.import_authorized_keys(public_line(client_key) + "\n")
    return await asyncssh.create_server(
        _Server,
        "127.0.0.1",
        port,
        server_host_keys=[host_key],
        sftp_factory=lambda channel: _Files(channel, root),
        allow_scp=False,
        authorized_client_keys=allowed,
    )
