#!/usr/bin/python3
"""cri SOCKET: the calls that a kubelet makes of a container runtime, one JSON line each.

Reads {"call": "RunPodSandbox", "request": {...}} from standard input, line by line, and prints the
response, or {"error": TEXT}.

cri attach URL: what a kubelet does with the answer to Attach: joins standard input, output and error
with the container's, over a WebSocket.

Speaks the CRI's protocol buffers by the table below, which has the
messages and fields that the tests need, so that nothing has to be generated from a .proto file.
"""
import base64
import json
import os
import select
import socket
import struct
import sys
import urllib.parse

import grpc

# message: {field: (number, kind)}; a kind is a message, "str", "bytes", "int", "bool", "map", or a list of one.
MESSAGES = {
    "Metadata": {"name": (1, "str"), "uid": (2, "str"), "namespace": (3, "str"),
                 "attempt": (4, "int")},
    "ContainerMetadata": {"name": (1, "str"), "attempt": (2, "int")},
    "NamespaceOption": {"network": (1, "int"), "pid": (2, "int"), "ipc": (3, "int"),
                        "target_id": (4, "str")},
    "Int64Value": {"value": (1, "int")},
    "SandboxSecurity": {"namespace_options": (1, "NamespaceOption")},
    "LinuxSandbox": {"cgroup_parent": (1, "str"), "security_context": (2, "SandboxSecurity"),
                     "sysctls": (3, "map")},
    "Sandbox": {"metadata": (1, "Metadata"), "hostname": (2, "str"), "log_directory": (3, "str"),
                "labels": (6, "map"), "annotations": (7, "map"), "linux": (8, "LinuxSandbox")},
    "Image": {"image": (1, "str")},
    "KeyValue": {"key": (1, "str"), "value": (2, "str")},
    "Mount": {"container_path": (1, "str"), "host_path": (2, "str"), "readonly": (3, "bool")},
    "Resources": {"cpu_period": (1, "int"), "cpu_quota": (2, "int"), "cpu_shares": (3, "int"),
                  "memory_limit_in_bytes": (4, "int"), "oom_score_adj": (5, "int"),
                  "cpuset_cpus": (6, "str"), "unified": (9, "map"),
                  "memory_swap_limit_in_bytes": (10, "int")},
    "Security": {"privileged": (2, "bool"), "namespace_options": (3, "NamespaceOption"),
                 "run_as_user": (5, "Int64Value"), "readonly_rootfs": (7, "bool"),
                 "no_new_privs": (11, "bool"), "masked_paths": (13, ["str"]),
                 "readonly_paths": (14, ["str"])},
    "LinuxContainer": {"resources": (1, "Resources"), "security_context": (2, "Security")},
    "Container": {"metadata": (1, "ContainerMetadata"), "image": (2, "Image"),
                  "command": (3, ["str"]), "args": (4, ["str"]), "working_dir": (5, "str"),
                  "envs": (6, ["KeyValue"]), "mounts": (7, ["Mount"]), "log_path": (11, "str"),
                  "stdin": (12, "bool"), "linux": (15, "LinuxContainer")},
    "Condition": {"type": (1, "str"), "status": (2, "bool"), "message": (4, "str")},
    "RuntimeStatus": {"conditions": (1, ["Condition"])},
    "SandboxStatus": {"id": (1, "str"), "state": (3, "int"), "runtime_handler": (9, "str")},
    "ContainerStatus": {"id": (1, "str"), "state": (3, "int"), "exit_code": (7, "int"),
                        "reason": (10, "str"), "message": (11, "str")},
    "Attributes": {"id": (1, "str")},
    "Cpu": {"timestamp": (1, "int"), "usage_core_nano_seconds": (2, "Int64Value")},
    "Memory": {"timestamp": (1, "int"), "working_set_bytes": (2, "Int64Value")},
    "StatsFilter": {"id": (1, "str"), "pod_sandbox_id": (2, "str")},
    "Stats": {"attributes": (1, "Attributes"), "cpu": (2, "Cpu"), "memory": (3, "Memory")},
}

POD = {"pod_sandbox_id": (1, "str")}
ID = {"container_id": (1, "str")}

# call: (request, response)
CALLS = {
    "Version": ({}, {"runtime_name": (2, "str"), "runtime_version": (3, "str")}),
    "Status": ({}, {"status": (1, "RuntimeStatus")}),
    "RunPodSandbox": ({"config": (1, "Sandbox"), "runtime_handler": (2, "str")}, POD),
    "PodSandboxStatus": (POD, {"status": (1, "SandboxStatus")}),
    "StopPodSandbox": (POD, {}),
    "RemovePodSandbox": (POD, {}),
    "CreateContainer": ({**POD, "config": (2, "Container"), "sandbox_config": (3, "Sandbox")}, ID),
    "StartContainer": (ID, {}),
    "StopContainer": ({**ID, "timeout": (2, "int")}, {}),
    "RemoveContainer": (ID, {}),
    "ContainerStatus": (ID, {"status": (1, "ContainerStatus")}),
    "ContainerStats": (ID, {"stats": (1, "Stats")}),
    "ListContainerStats": ({"filter": (1, "StatsFilter")}, {"stats": (1, ["Stats"])}),
    "UpdateContainerResources": ({**ID, "linux": (2, "Resources")}, {}),
    "Attach": ({**ID, "stdin": (2, "bool"), "tty": (3, "bool"), "stdout": (4, "bool"),
                "stderr": (5, "bool")}, {"url": (1, "str")}),
    "ExecSync": ({**ID, "cmd": (2, ["str"]), "timeout": (3, "int")},
                 {"stdout": (1, "bytes"), "stderr": (2, "bytes"), "exit_code": (3, "int")}),
}


def varint(n):
    n &= (1 << 64) - 1
    out = b""
    while n > 127:
        out += bytes([n & 127 | 128])
        n >>= 7
    return out + bytes([n])


def encode_one(number, kind, value):
    if kind in ("int", "bool"):
        return varint(number << 3) + varint(int(value))
    if kind == "map":
        return b"".join(encode_one(number, "KeyValue", {"key": k, "value": v})
                        for k, v in value.items())
    data = value.encode() if kind in ("str", "bytes") else encode(MESSAGES[kind], value)
    return varint(number << 3 | 2) + varint(len(data)) + data


def encode(fields, values):
    out = b""
    for name, value in values.items():
        number, kind = fields[name]
        for item in value if isinstance(kind, list) else [value]:
            out += encode_one(number, kind[0] if isinstance(kind, list) else kind, item)
    return out


def read_varint(data, at):
    n = shift = 0
    while True:
        n |= (data[at] & 127) << shift
        shift += 7
        at += 1
        if data[at - 1] < 128:
            return n, at


def decode_value(kind, data):
    if kind in ("str", "bytes"):
        return data.decode(errors="replace")
    return decode(MESSAGES[kind], data)


def decode(fields, data):
    names = {number: (name, kind) for name, (number, kind) in fields.items()}
    out, at = {}, 0
    while at < len(data):
        tag, at = read_varint(data, at)
        name, kind = names.get(tag >> 3, (None, None))
        if tag & 7 == 0:
            value, at = read_varint(data, at)
            value = bool(value) if kind == "bool" else value
        elif tag & 7 == 2:
            size, at = read_varint(data, at)
            raw, at = data[at:at + size], at + size
            many = isinstance(kind, list)
            value = decode_value(kind[0] if many else kind, raw) if name else None
            value = out.get(name, []) + [value] if many else value
        else:
            raise ValueError(f"wire type {tag & 7}")
        if name:
            out[name] = value
    return out


class WebSocket:
    """The client's side of RFC 6455, with the sub-protocol of the kubelet: a frame's first byte is
    the stream, 0 to 2, or 3 for an error in words."""

    def __init__(self, url):
        parts = urllib.parse.urlsplit(url)
        self.socket = socket.create_connection((parts.hostname, parts.port), timeout=30)
        self.came = b""
        key = base64.b64encode(os.urandom(16)).decode()
        self.socket.sendall((f"GET {parts.path} HTTP/1.1\r\nHost: {parts.netloc}\r\n"
                             "Connection: Upgrade\r\nUpgrade: websocket\r\n"
                             f"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {key}\r\n"
                             "Sec-WebSocket-Protocol: v4.channel.k8s.io\r\n\r\n").encode())
        while b"\r\n\r\n" not in self.came:
            self.more()
        head, self.came = self.came.split(b"\r\n\r\n", 1)
        if b" 101 " not in head.split(b"\r\n")[0]:
            raise SystemExit(f"attach: {head.decode()}")

    def more(self):
        data = self.socket.recv(65536)
        if not data:
            raise EOFError
        self.came += data

    def take(self, size):
        while len(self.came) < size:
            self.more()
        data, self.came = self.came[:size], self.came[size:]
        return data

    def send(self, data):
        mask = os.urandom(4)
        size = bytes([len(data) | 128]) if len(data) < 126 else b"\xfe" + struct.pack(">H", len(data))
        self.socket.sendall(b"\x82" + size + mask +
                            bytes(b ^ mask[i % 4] for i, b in enumerate(data)))

    def receive(self):
        kind, size = self.take(2)
        if size == 126:
            size, = struct.unpack(">H", self.take(2))
        elif size == 127:
            size, = struct.unpack(">Q", self.take(8))
        data = self.take(size)
        if kind & 15 == 8:
            raise EOFError
        return data if kind & 15 in (1, 2) else b""


def attach(url):
    ws = WebSocket(url)
    inputs = [0, ws.socket]
    while True:
        for fd in ([ws.socket] if ws.came else select.select(inputs, [], [])[0]):
            if fd == 0:
                data = os.read(0, 60000)
                ws.send(b"\0" + data)
                if not data:
                    inputs.remove(0)
                continue
            try:
                data = ws.receive()
            except EOFError:
                return
            if data[1:]:
                os.write(1 if data[0] == 1 else 2, data[1:])


def main():
    if sys.argv[1] == "attach":
        attach(sys.argv[2])
        return
    channel = grpc.insecure_channel("unix://" + sys.argv[1])
    for line in sys.stdin:
        job = json.loads(line)
        request, response = CALLS[job["call"]]
        call = channel.unary_unary("/runtime.v1.RuntimeService/" + job["call"])
        try:
            data = call(encode(request, job.get("request", {})), timeout=60)
            answer = decode(response, data)
        except grpc.RpcError as error:
            answer = {"error": error.details()}
        print(json.dumps(answer), flush=True)


main()
