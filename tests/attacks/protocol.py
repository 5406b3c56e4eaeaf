"""Attacks on the wire, from a student's process that speaks it itself."""

# ruff: noqa: E501

from attack import Attack

# The connection to the grader is a descriptor of the student's own process.
SPEAK = """
import json, os, struct
def _wire():
    import stat
    for fd in range(3, 64):
        try:
            if stat.S_ISSOCK(os.fstat(fd).st_mode):
                return fd
        except OSError:
            pass
def _say(message, blobs=(), times=1):
    body = message if isinstance(message, bytes) else json.dumps(message).encode()
    sizes = struct.pack(f"<{len(blobs)}Q", *map(len, blobs))
    data = struct.pack("<4sII", b"cug1", len(body), len(blobs)) + sizes + body + b"".join(blobs)
    for _ in range(times):
        os.write(_wire(), data)
"""
NOTHING = "\ndef square(x):\n    return 0 * x\n"


def _in_cell(source):
    return Attack, {"square": SPEAK + source + NOTHING}


def _in_test(source):
    body = "\n".join("    " + line for line in source.strip().split("\n"))
    return Attack, {"square": SPEAK + f"\ndef square(x):\n{body}\n    return 0 * x\n"}


CELLS = {
    "forge the outputs": "_say({'outputs': [{'output_type': 'execute_result', 'data': {'text/plain': '4.0'}}]})",
    "forge many answers": "_say({'outputs': []}, times=50)",
    "forge the trusted side's answer": "_say({'done': []}, times=5)",
    "outputs that are none": "_say({'outputs': [1, None, {'output_type': []}, {'data': 3}]})",
    "garbage": "os.write(_wire(), os.urandom(4096))",
    "not JSON": "_say(b'{]')",
    "JSON nested deeply": "_say(b'[' * 500000)",
    "NaN in JSON": "_say(b'{\"outputs\": NaN}')",
    "a frame larger than allowed": "os.write(_wire(), struct.pack('<4sII', b'cug1', 2**32 - 1, 0))",
    "too many blobs": "os.write(_wire(), struct.pack('<4sII', b'cug1', 2, 2**32 - 1))",
    "a blob larger than allowed": "os.write(_wire(), struct.pack('<4sIIQ', b'cug1', 2, 1, 2**63) + b'{}')",
    "a stop": "_say({'error': 'stopped', 'message': 'x'})",
    "close the connection": "os.close(_wire())",
}

TESTS = {
    "call an unknown function back": "_say({'callback': 0, 'args': [], 'kwargs': {}})",
    "call functions back without end": "_say({'callback': 0, 'args': {'kind': 'tuple', 'items': []}, 'kwargs': {'kind': 'dict', 'items': []}}, times=200)",
    "answer with a forbidden dtype": "_say({'value': {'kind': 'array', 'dtype': 'O', 'shape': [1], 'blob': 0}}, [bytes(8)])",
    "answer with a false shape": "_say({'value': {'kind': 'array', 'dtype': '<f8', 'shape': [1 << 40], 'blob': 0}}, [bytes(8)])",
    "answer with negative shapes": "_say({'value': {'kind': 'array', 'dtype': '<f8', 'shape': [-1, -1], 'blob': 0}}, [bytes(8)])",
    "answer with a missing blob": "_say({'value': {'kind': 'array', 'dtype': '<f8', 'shape': [1], 'blob': 9}})",
    "answer with a class of ours": "_say({'value': {'kind': 'record', 'topic': 'checks', 'class': 'CheckResult', 'fields': []}})",
    "answer with a path": "_say({'value': {'kind': 'record', 'topic': '../os', 'class': 'system', 'fields': []}})",
    "answer with a model": "_say({'value': {'kind': 'module', 'class': ['os', 'system'], 'attributes': []}})",
    "answer with a function": "_say({'value': {'kind': 'function', 'home': 'os', 'name': 'system'}})",
    "answer with an unknown kind": "_say({'value': {'kind': '__class__'}})",
    "answer with a false generator": "_say({'value': {'kind': 'stream', 'state': {'kind': 'dict', 'items': [['name', 'MT19937'], ['spawn', None], ['gauss', None], ['state', {'kind': 'dict', 'items': [['bit_generator', 'MT19937'], ['state', {'kind': 'dict', 'items': [['pos', 10 ** 9], ['key', None]]}]]}]]}}})",
    "answer without a value": "_say({})",
    "answer with null": "_say(b'null')",
    "errors that do not exist": "_say({'error': ['SystemExit', '__import__', 'print', 7, None], 'message': []})",
    "changes beyond the arguments": "_say({'value': 1, 'changed': [[99, 0], [-1, 0], ['x', 0], 5]})",
    "claim to have changed the input": "_say({'value': {'kind': 'array', 'dtype': '<f8', 'shape': [5], 'blob': 0}, 'changed': [[0, {'kind': 'array', 'dtype': '<f8', 'shape': [5], 'blob': 0}]]}, [bytes(40)], times=3)",
    "answer no question": "_say({'value': 1, 'changed': []}, times=100)",
    "a number with a million digits": "_say(b'{\"value\": ' + b'9' * 1000000 + b'}')",
    "hash collisions": "_say({'value': {'kind': 'dict', 'items': [[(2 ** 61 - 1) * k, 0] for k in range(20000)]}})",
    "drip bytes": """
import time
for byte in struct.pack('<4sII', b'cug1', 1000, 0):
    os.write(_wire(), bytes([byte]))
    time.sleep(0.4)
""",
}

ATTACKS = [
    *(make(name, answers) for name, s in CELLS.items() for make, answers in [_in_cell(s)]),
    *(
        make(name, answers, slow=name == "drip bytes")
        for name, s in TESTS.items()
        for make, answers in [_in_test(s)]
    ),
]
