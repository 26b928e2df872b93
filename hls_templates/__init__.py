"""C++ headers and templates (``hls/``), the DPI-C shell (``dpi/``) and SystemVerilog modules (``rtl/``)."""
