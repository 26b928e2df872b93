"""Ways into other tools: ``onnx`` for ONNX, both directions.  Installed as ``mondeq_hw.export``."""
