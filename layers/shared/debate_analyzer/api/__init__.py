"""The HTTP API. `routes` says what there is, a room does it, `openapi` tells the world.

    request ─► routes.find ─► frame.respond ─► a room's function ─► answer
                                   │
                                   └─ problem: errors of the domain become HTTP here, by type

A room is a module by noun, imported at its first call: a cold start pays for one and not for all.
"""
