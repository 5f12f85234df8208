#!/usr/bin/python3
"""recvtty SOCKET: take one terminal over a console socket, as an engine does.

Prints the message that came with it, then all that is written on the terminal until it is hung up.
"""
import os
import socket
import sys

with socket.socket(socket.AF_UNIX) as server:
    server.bind(sys.argv[1])
    server.listen()
    connection, _ = server.accept()
    message, fds, _, _ = socket.recv_fds(connection, 4096, 4)
print(f"message {message.decode()}, {len(fds)} fd", flush=True)
while True:
    try:
        data = os.read(fds[0], 4096)
    except OSError:
        break
    if not data:
        break
    os.write(1, data)
