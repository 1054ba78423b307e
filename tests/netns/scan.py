"""`python scan.py ADDRESS...`: the TCP ports of each that take a connection; those that drop packets do not."""

import asyncio
import sys

AT_ONCE, PATIENCE_S = 800, 1.5


async def is_open(address: str, port: int, slots: asyncio.Semaphore) -> bool:
    async with slots:
        try:
            _, writer = await asyncio.wait_for(asyncio.open_connection(address, port), PATIENCE_S)
        except (OSError, TimeoutError):
            return False
        writer.close()
        return True


async def scan(address: str) -> list[int]:
    slots = asyncio.Semaphore(AT_ONCE)
    found = await asyncio.gather(*(is_open(address, port, slots) for port in range(1, 65536)))
    return [port for port, opened in enumerate(found, start=1) if opened]


if __name__ == "__main__":
    for address in sys.argv[1:]:
        print(address, *asyncio.run(scan(address)))
