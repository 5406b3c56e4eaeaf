"""Attacks on what others wrote: read it, and carry it out."""

import os

from attack import Attack

NOTHING = "\ndef square(x):\n    return 0 * x\n"


def _link_file(folder, course):
    (folder / "solution.txt").symlink_to(course / "source" / "squares" / "squares.ipynb")


def _link_notebook(folder, course):
    notebook = folder / "squares.ipynb"
    notebook.unlink()
    notebook.symlink_to(course / "source" / "squares" / "squares.ipynb")


def _link_folder(folder, course):
    (folder / "data").symlink_to(course, target_is_directory=True)


def _link_timestamp(folder, course):
    (folder / "timestamp.txt").symlink_to(course / "private.txt")


def _hard_name(folder, course):
    (folder / "..data").write_text("x")
    os.mkfifo(folder / "pipe")


def _try(expression):
    return f"try:\n    print({expression})\nexcept BaseException as e:\n    print(type(e))\n"


READS = {
    "read the gradebook": 'open("{course}/gradebook.db", "rb").read()',
    "read the hidden tests": 'open("{course}/source/squares/squares.ipynb").read()',
    "read another student": 'open("{peer}/squares.ipynb").read()',
    "read a private file": 'open("{course}/private.txt").read()',
    "read the environment": "dict(__import__('os').environ)",
    "read other environments": 'open("/proc/1/environ").read()',
    "read the parent's environment": 'open(f"/proc/{{__import__("os").getppid()}}/environ").read()',
    "read the mounts": 'open("/proc/self/mountinfo").read()',
    "walk the disk": """[
        open(os.path.join(b, f), "rb").read() for os in [__import__("os")]
        for top in ("/tmp", "/root", "/home", "/course", "/submission", "/work", "/etc", "/var")
        for b, _, fs in os.walk(top) for f in fs if not f.endswith((".so", ".pyc"))][:200]""",
    "read the kernel's memory": 'open("/dev/mem", "rb").read(100)',
    "walk up": 'open("../../../../" + "{course}"[1:] + "/private.txt").read()',
    "mount": '__import__("ctypes").CDLL(None).mount(b"{course}", b"/tmp", b"", 4096, None)',
    "chroot out": '__import__("os").chroot("..")',
    "ask a shell": '__import__("subprocess").check_output("cat {course}/private.txt", shell=True)',
    "spy on the parent": """__import__("ctypes").CDLL(None).ptrace(16, 1, 0, 0)""",
}

NETWORK = {
    "connect to a port": """
import socket
socket.create_connection(("127.0.0.1", {port}), timeout=2).send(b"{token}")
""",
    "send a datagram": """
import socket
socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b"{token}", ("127.0.0.1", {port}))
""",
    "connect to an abstract socket": """
import socket
s = socket.socket(socket.AF_UNIX)
s.connect("\\0course-{port}")
""",
    "connect to the host's socket file": """
import socket
s = socket.socket(socket.AF_UNIX)
s.connect("{course}/socket")
""",
    "fetch a page": """
import urllib.request
urllib.request.urlopen("http://127.0.0.1:{port}/{token}", timeout=2)
""",
    "talk to the hypervisor": """
import socket
socket.socket(40, socket.SOCK_STREAM).connect((2, 1024))
""",
    "talk to the kernel": """
import socket
socket.socket(16, socket.SOCK_RAW, 0).bind((0, 0))
""",
}

# A hidden input is 3.25 and -7.5: neither may turn up in the output of any cell.
LEAKS = {
    "print hidden inputs": ("def square(x):\n    print('LEAK', x)\n    return 0 * x", ()),
    "raise hidden inputs": ("def square(x):\n    raise ValueError(f'LEAK {x}')", ()),
    "warn with hidden inputs": (
        "import warnings\ndef square(x):\n    warnings.warn(f'LEAK {x}')\n    return x ** 2 + 1",
        (),
    ),
    "return hidden inputs": ("def square(x):\n    return x if len(x) == 2 else x ** 2", ()),
    "name a class after hidden inputs": (
        "def square(x):\n    raise type(f'LEAK{list(x)}', (ValueError,), {})",
        (),
    ),
    "keep hidden inputs for later": (
        "seen = []\ndef square(x):\n    seen.append(x.copy())\n    return x ** 2",
        ("print('LEAK', seen)", "seen"),
    ),
    "keep hidden inputs in a file": (
        "def square(x):\n    open('kept', 'a').write(str(x))\n    return x ** 2",
        ("print('LEAK', open('kept').read())",),
    ),
    "display hidden inputs": (
        "from IPython.display import display\ndef square(x):\n    display(x)\n    return x ** 2",
        (),
    ),
    "hand hidden inputs to a process": (
        """
import os
def square(x):
    if os.fork() == 0:
        with open("/dev/shm/kept", "a") as file:
            file.write(str(x))
        os._exit(0)
    return x ** 2
""",
        ("import time; time.sleep(0.2); print('LEAK', open('/dev/shm/kept').read())",),
    ),
}

LINKS = {
    "link to the solution": _link_file,
    "link in place of the notebook": _link_notebook,
    "link to the course": _link_folder,
    "link in place of the time stamp": _link_timestamp,
    "a pipe in the submission": _hard_name,
}

ATTACKS = [
    *(Attack(name, {"square": _try(source) + NOTHING}) for name, source in READS.items()),
    *(Attack(name, {"square": source + NOTHING}) for name, source in NETWORK.items()),
    *(
        Attack(
            name,
            {"square": source},
            free=free,
            deserved=4.0 if source.rstrip().endswith("return x ** 2") else 0.0,
        )
        for name, (source, free) in LEAKS.items()
    ),
    *(Attack(name, place=place) for name, place in LINKS.items()),
]
