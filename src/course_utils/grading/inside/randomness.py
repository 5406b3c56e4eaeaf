"""Random streams across the wire: a generator crosses as its state and comes back only further on.

A function that draws from a generator leaves it advanced, and the caller sees that. The state
that comes back from a student's process could be any state, chosen to make the test's next draws
easy, so it is accepted only if it lies ahead of the one sent, on the same stream and near.
"""

from typing import Any

import numpy as np

MAX_DRAWS = 1 << 24
_MAX_BLOCKS = 4096  # of 624 draws; a twister is searched block by block
_MASK = (1 << 128) - 1
_PCG_MULTIPLIER = 0x2360ED051FC65DA44385DF649FCCF645
_BIT_GENERATORS = {
    name: getattr(np.random, name) for name in ("PCG64", "MT19937", "Philox", "SFC64")
}


def describe(stream: Any) -> dict[str, Any] | None:
    """State and seed of a Generator or RandomState as plain data; None for an unknown kind."""
    if isinstance(stream, np.random.RandomState):
        bit_generator, legacy = stream._bit_generator, stream.get_state(legacy=False)
        gauss = [int(legacy["has_gauss"]), float(legacy["gauss"])]
    else:
        bit_generator, gauss = stream.bit_generator, None
    name = type(bit_generator).__name__
    if _BIT_GENERATORS.get(name) is not type(bit_generator):
        return None
    seed = getattr(bit_generator, "seed_seq", None)
    spawn = None
    if type(seed) is np.random.SeedSequence:
        spawn = [seed.entropy, list(seed.spawn_key), seed.pool_size, seed.n_children_spawned]
    return {"name": name, "state": bit_generator.state, "gauss": gauss, "spawn": spawn}


def build(description: dict[str, Any]) -> Any:
    """The generator that `describe` described; raises ValueError or TypeError on a false one."""
    kind = _BIT_GENERATORS[description["name"]]
    seed: Any = 0
    if description["spawn"] is not None:
        entropy, key, pool_size, n_children = description["spawn"]
        if pool_size != 4:
            raise ValueError("only NumPy's default pool size crosses")
        seed = np.random.SeedSequence(
            entropy, spawn_key=tuple(key), n_children_spawned=int(n_children)
        )
    _check_positions(description["state"])
    bit_generator = kind(seed)
    bit_generator.state = description["state"]
    if description["gauss"] is None:
        return np.random.Generator(bit_generator)
    stream = np.random.RandomState(bit_generator)
    state = stream.get_state(legacy=False)
    state["has_gauss"], state["gauss"] = description["gauss"]
    stream.set_state(state)
    return stream


def _check_positions(state: dict[str, Any]) -> None:
    """NumPy trusts these indices into its buffers, so a false one would read beyond them."""
    position, limit = {
        "MT19937": lambda: (state["state"]["pos"], 624),
        "Philox": lambda: (state["buffer_pos"], 4),
    }.get(state["bit_generator"], lambda: (0, 0))()
    if type(position) is not int or not 0 <= position <= limit:
        raise ValueError("a position outside the generator's buffer")


def advance(ours: Any, theirs: Any) -> bool:
    """Move `ours` to where `theirs` is, if that lies ahead of it and near."""
    if type(ours) is not type(theirs):
        return False
    here, there = describe(ours), describe(theirs)
    if here is None or there is None or here["name"] != there["name"]:
        return False
    if _same(here["state"], there["state"]):
        return True
    reachable = {"PCG64": _pcg64_ahead, "MT19937": _mt19937_ahead}.get(here["name"], _philox_ahead)
    if not reachable(here["state"], there["state"]):
        return False
    if isinstance(ours, np.random.RandomState):
        ours.set_state(theirs.get_state(legacy=False))
    else:
        ours.bit_generator.state = theirs.bit_generator.state
    return True


def _same(a: Any, b: Any) -> bool:
    if isinstance(a, dict):
        return a.keys() == b.keys() and all(_same(a[k], b[k]) for k in a)
    return bool(np.array_equal(a, b))


def _pcg64_ahead(here: dict[str, Any], there: dict[str, Any]) -> bool:
    """PCG64's state is a linear congruence modulo 2**128: its distance is found bit by bit."""
    a, b = here["state"], there["state"]
    if a["inc"] != b["inc"]:
        return False
    if there["has_uint32"] and there["uinteger"] != _pcg64_output(b["state"]) >> 32:
        return False
    state, multiplier, plus = a["state"], _PCG_MULTIPLIER, a["inc"]
    distance, bit = 0, 1
    while state != b["state"]:
        if bit > MAX_DRAWS:
            return False
        if (state ^ b["state"]) & bit:
            state = (state * multiplier + plus) & _MASK
            distance |= bit
        bit <<= 1
        plus = ((multiplier + 1) * plus) & _MASK
        multiplier = (multiplier * multiplier) & _MASK
    return distance <= MAX_DRAWS


def _pcg64_output(state: int) -> int:
    """The number that the step into `state` returned: 32-bit draws keep its upper half."""
    folded, turn = ((state >> 64) ^ state) & ((1 << 64) - 1), state >> 122
    return ((folded >> turn) | (folded << (64 - turn))) & ((1 << 64) - 1)


def _mt19937_ahead(here: dict[str, Any], there: dict[str, Any]) -> bool:
    """Mersenne twister: walk block by block until the key is found."""
    walker = np.random.MT19937(0)
    walker.state = here  # type: ignore[assignment]
    key = np.asarray(there["state"]["key"])
    position = there["state"]["pos"]
    if not 0 <= position <= 624:
        return False
    for block in range(_MAX_BLOCKS):
        state: Any = walker.state["state"]
        if np.array_equal(state["key"], key):
            return block > 0 or position >= state["pos"]
        # To the block's last number, then one more: that twists the key.
        walker.random_raw(624 - state["pos"] + 1, output=False)
    return False


def _philox_ahead(here: dict[str, Any], there: dict[str, Any]) -> bool:
    """Counter-based Philox: the same key, a counter that is ahead. (SFC64 has no distance.)"""
    if here["bit_generator"] != "Philox":
        return False
    a, b = here["state"], there["state"]
    if not np.array_equal(a["key"], b["key"]):
        return False
    start, end = (sum(int(w) << (64 * i) for i, w in enumerate(s["counter"])) for s in (a, b))
    return 0 <= end - start <= MAX_DRAWS // 4
