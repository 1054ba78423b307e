"""`python scan.py ADDRESS...`: the TCP ports of each that take a connection; those that drop packets do not."""

import select
import socket
import sys
import time

AT_ONCE, PATIENCE_S = 800, 1.5


def opened(address: str, ports: range) -> list[int]:
    """Those of the ports that answer in time."""
    poll, waiting, found = select.poll(), {}, []
    for port in ports:
        one = socket.socket()
        one.setblocking(False)
        one.connect_ex((address, port))
        waiting[one.fileno()] = one, port
        poll.register(one, select.POLLOUT)
    ends = time.monotonic() + PATIENCE_S
    while waiting and (left := ends - time.monotonic()) > 0:
        for number, _ in poll.poll(1000 * left):
            one, port = waiting.pop(number)
            poll.unregister(number)
            if one.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR) == 0:
                found.append(port)
            one.close()
    for one, _ in waiting.values():
        one.close()
    return found


if __name__ == "__main__":
    for address in sys.argv[1:]:
        parts = (range(first, min(first + AT_ONCE, 65536)) for first in range(1, 65536, AT_ONCE))
        print(address, *(port for part in parts for port in opened(address, part)))
