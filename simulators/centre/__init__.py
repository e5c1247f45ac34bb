"""The simulated 証明書交付センター with its kiosk: it asks a town's issuing nodes over mutual TLS, and believes nothing.

A library without a process. It writes its own envelopes and judges every answer by the published schema; it imports
nothing of ``issuance_api``, as the real centre does not.
"""
