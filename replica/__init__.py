"""The replica (副本): one PostgreSQL database per municipality; its tables, migrations, roles and connections.

Who writes rows lives in ``loaders``; who reads them in the repository modules of ``issuance_api`` and ``ops_console``.
"""
