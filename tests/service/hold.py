"""Holds one thread of a process, as a fault would, while all others go on: hold.py PID THREAD. Ends with the process."""

import ctypes
import os
import sys

PTRACE_SEIZE, PTRACE_INTERRUPT = 0x4206, 0x4207

process, name = sys.argv[1], sys.argv[2]
tasks = f"/proc/{process}/task"
ids = [int(task) for task in os.listdir(tasks) if open(f"{tasks}/{task}/comm").read().strip() == name]
if len(ids) != 1:
    sys.exit(f"{len(ids)} threads of {process} are called {name}")
libc = ctypes.CDLL(None, use_errno=True)
for request in PTRACE_SEIZE, PTRACE_INTERRUPT:
    if libc.ptrace(ctypes.c_long(request), ctypes.c_long(ids[0]), None, None) != 0:
        sys.exit(f"thread {ids[0]} cannot be held: {os.strerror(ctypes.get_errno())}")
WALL = 0x40000000
os.waitpid(ids[0], WALL)
print("held", flush=True)
# The end of a thread that is held is told to whoever holds it first.
while True:
    _, status = os.waitpid(ids[0], WALL)
    if os.WIFEXITED(status) or os.WIFSIGNALED(status):
        break
