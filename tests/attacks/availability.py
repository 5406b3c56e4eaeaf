"""Attacks on the grader's time, memory and life."""

from attack import Attack

NOTHING = "\ndef square(x):\n    return 0 * x\n"

QUICK = {
    "end the process": "import os\nos._exit(0)",
    "kill everything": "import os\nos.kill(-1, 9)",
    "kill the parent": "import os\nos.kill(os.getppid() or 1, 9)",
    "abort": "import os\nos.abort()",
    "crash": "import ctypes\nctypes.string_at(0)",
    "recurse": "import sys\nsys.setrecursionlimit(10**9)\ndef f(): f()\nf()",
    "take all memory": "x = [bytearray(1 << 28) for _ in range(1000)]",
    "take all memory in one array": "import numpy as np\nx = np.ones((1 << 36,), dtype='u1')",
    "take all memory in many processes": """
import os, time
for _ in range(40):
    if os.fork() == 0:
        x = bytearray(1 << 29)
        time.sleep(3)
        os._exit(0)
time.sleep(1.5)
""",
    "fork bomb": """
import os
try:
    while True:
        os.fork()
except OSError:
    pass
""",
    "threads without end": """
import threading, time
for _ in range(100000):
    threading.Thread(target=time.sleep, args=(100,), daemon=True).start()
""",
    "fill the disk": """
with open("big", "wb") as file:
    while True:
        file.write(bytes(1 << 20))
""",
    "fill the disk with files": """
for i in range(10**7):
    open(f"/tmp/f{i}", "w").close()
""",
    "fill shared memory": """
import itertools
for i in itertools.count():
    with open(f"/dev/shm/{i}", "wb") as file:
        file.write(bytes(1 << 24))
""",
    "print without end": "for _ in range(10**6):\n    print('x' * 1000)",
    "display without end": """
from IPython.display import display
for i in range(10**5):
    display(i)
""",
    "use up descriptors": "files = [open('/dev/null') for _ in range(10**6)]",
    "close all descriptors": "import os\nos.closerange(0, 1000)",
    "leave a daemon behind": """
import os, time
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        time.sleep(1000)
    os._exit(0)
""",
    "detach with a thread": """
import threading, time
threading.Thread(target=time.sleep, args=(1000,)).start()
""",
    "answer with a gigabyte": "import numpy as np\ndef square(x):\n    return np.zeros(1 << 27)",
    "answer nested deeply": """
def square(x):
    y = []
    for _ in range(100000):
        y = [y]
    return y
""",
    "answer containing itself": "def square(x):\n    y = []\n    y.append(y)\n    return y",
    "answer a huge number": "def square(x):\n    return 7 ** 1000000",
    "answer that explodes": """
def square(x):
    y = [1] * 10
    for _ in range(20):
        y = [y] * 10
    return y
""",
    "a name that explodes": """
class Meta(type):
    @property
    def __qualname__(cls):
        raise SystemExit
class square(metaclass=Meta):
    pass
""",
}

SLOW = {
    "loop": "while True:\n    pass",
    "loop in the test": "def square(x):\n    while True:\n        pass",
    "loop and ignore interrupts": """
import signal
signal.signal(signal.SIGINT, signal.SIG_IGN)
while True:
    pass
""",
    "swallow interrupts": """
import time
while True:
    try:
        time.sleep(100)
    except BaseException:
        pass
""",
    "stop oneself": "import os, signal\nos.kill(os.getpid(), signal.SIGSTOP)\nwhile True: pass",
    "loop in C": "sum(range(10**18))",
    "display that hangs": """
class Slow:
    def __repr__(self):
        while True:
            pass
Slow()
""",
}

ATTACKS = [
    *(Attack(n, {"square": s if "square" in s else s + NOTHING}) for n, s in QUICK.items()),
    *(
        Attack(n, {"square": s if "square" in s else s + NOTHING}, slow=True)
        for n, s in SLOW.items()
    ),
]
