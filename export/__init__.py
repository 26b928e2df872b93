"""Ways into other tools: ``onnx``, both directions, and ``hls4ml``.  Installed as ``mondeq_hw.export``.

Each is a room with an optional package of its own, so that this face imports neither.
"""

__all__ = ["hls4ml", "onnx"]
