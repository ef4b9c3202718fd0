"""A network namespace with the addresses that a test wants, real providers' ones too: the daemon runs in it, and so does what a test
calls `inside`."""
import contextlib
import ctypes
import os
import socket
import struct
import threading

from lab import BUILD, eventually

CLONE_NEWNET = 0x40000000
ETH_P_ALL = 3


def program(addresses):
    """For Daemon(program=...): a namespace of its own whose loopback has these addresses."""
    setup = "ip link set lo up && for a in %s; do case $a in *:*) ip addr add $a/128 dev lo nodad;; *) ip addr add $a/32 dev lo;; esac; done && exec \"$0\" \"$@\""
    return ["unshare", "-n", "sh", "-c", setup % " ".join(addresses), BUILD / "zonecrierd"]


class Namespace:
    def __init__(self, pid):
        """Of a process that is in it."""
        self.fd = os.open(f"/proc/{pid}/ns/net", os.O_RDONLY)

    def inside(self, function, *args, **kwargs):
        """Calls it on a thread that is in the namespace; its sockets stay there."""
        result = {}

        def run():
            try:
                if ctypes.CDLL(None, use_errno=True).setns(self.fd, CLONE_NEWNET) != 0:
                    raise OSError(ctypes.get_errno(), "setns")
                result["value"] = function(*args, **kwargs)
            except BaseException as e:  # pylint: disable=broad-except
                result["error"] = e
        thread = threading.Thread(target=run)
        thread.start()
        thread.join()
        if "error" in result:
            raise result["error"]
        return result["value"]

    def close(self):
        os.close(self.fd)


def namespace_of(daemon):
    """unshare and sh replace themselves by exec: the process is the daemon's in the end."""
    def is_there():
        with open(f"/proc/{daemon.process.pid}/comm", encoding="ascii") as comm:
            return comm.read().strip() == "zonecrierd"
    eventually(is_there, what="the daemon within unshare")
    return Namespace(daemon.process.pid)


class Capture:
    """Every IPv4 UDP packet of the namespace's loopback: (source, destination, destination port, payload)."""

    def __init__(self, namespace):
        def open_socket():
            sock = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(ETH_P_ALL))
            sock.bind(("lo", ETH_P_ALL))
            sock.settimeout(0.1)
            return sock
        self.socket = namespace.inside(open_socket)
        self.packets = []
        self.is_stopping = False
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.thread.start()

    def _run(self):
        while not self.is_stopping:
            with contextlib.suppress(OSError):
                octets = self.socket.recv(65535)
                if len(octets) < 28 or octets[0] >> 4 != 4 or octets[9] != socket.IPPROTO_UDP:
                    continue
                header = (octets[0] & 15) * 4
                port = struct.unpack("!H", octets[header + 2:header + 4])[0]
                self.packets.append((socket.inet_ntoa(octets[12:16]), socket.inet_ntoa(octets[16:20]), port, octets[header + 8:]))

    def notified(self):
        """Destinations of DNS requests with opcode NOTIFY."""
        return [to for _, to, _, payload in list(self.packets) if len(payload) >= 12 and payload[2] >> 7 == 0 and payload[2] >> 3 & 15 == 4]

    def stop(self):
        self.is_stopping = True
        self.thread.join(5)
        self.socket.close()
