"""Renderers (作成の別プロセス): Typst in processes of their own, children of a node, one job at a time each.

A compile that hangs, eats memory or crashes ends its own process and no node; a request that is given up takes the
process with it that was drawing for it, so no page is left that could answer somebody else. ``pool`` is the node's
side, ``__main__`` the process, ``frames`` what they say to each other. Whether a page is right is judged in the node.
"""
