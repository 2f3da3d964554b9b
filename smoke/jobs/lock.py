"""The machine's side of the lock: runs there as root, by python3 -c, with nothing but Python 3.9.

Arguments: the lock's file, seconds of silence, who asks. It says "held" and holds the lock of the file until
its input ends or is silent for so long; or it says "busy" and what the file holds, and ends.
"""

import fcntl
import os
import select
import sys

path, silence, who = sys.argv[1:]
file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
try:
    fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
except BlockingIOError:
    print("busy", os.read(file, 4096).decode(errors="replace").partition("\n")[0])
    sys.exit()
os.ftruncate(file, 0)
os.write(file, who.encode() + b"\n")
print("held", flush=True)
while select.select([0], [], [], float(silence))[0] and os.read(0, 4096):
    pass
