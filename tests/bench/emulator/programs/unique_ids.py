"""Many threads share one stream: each sends bytes, keeps the number it gets, and asks for the result of that number."""

import json
import threading

import numpy as np
from StreamManagerApi import MxDataInput, StreamManagerApi

STREAM = b"echo"
manager = StreamManagerApi()
assert manager.InitManager() == 0
pipeline = {
    "echo": {
        "appsrc0": {"factory": "appsrc", "next": "queue0"},
        "queue0": {"factory": "queue", "props": {"max-size-buffers": "50"}, "next": "appsink0"},
        "appsink0": {"factory": "appsink"},
    }
}
assert manager.CreateMultipleStreams(json.dumps(pipeline).encode()) == 0
rows = np.load("inputs.npz")["x"]
found = [None] * len(rows)
numbers = []


def work(first):
    for index in range(first, len(rows), 4):
        data = MxDataInput()
        data.data = rows[index].tobytes()
        number = manager.SendDataWithUniqueId(STREAM, 0, data)
        assert number >= 0
        numbers.append(number)
        output = manager.GetResultWithUniqueId(STREAM, number, 5000)
        assert output.errorCode == 0, output.data
        found[index] = np.frombuffer(output.data, dtype=rows.dtype)


threads = [threading.Thread(target=work, args=(first,)) for first in range(4)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
assert sorted(numbers) == list(range(len(rows)))  # the first number is 0
late = manager.GetResultWithUniqueId(STREAM, 12345, 10)
np.savez("results.npz", y=np.stack(found), late=late.errorCode)
manager.DestroyAllStreams()
