"""The wide-area delivery's wire format (広域交付の電文), invented here: the one package to replace by the real interface.

No rules and no database: what comes in becomes an operation of ``issuance_api.model``, what goes out was decided there.
"""
