"""cocotb benches and their Verilator/Icarus runner."""
