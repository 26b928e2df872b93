// Read-only memory with a registered output (block RAM template), filled from a hex file.
module mondeq_rom #(
  parameter int Width = 8,
  parameter int Depth = 1,
  parameter File = "",
  localparam int AddressBits = (Depth > 1) ? $clog2(Depth) : 1
) (
  input  logic                   clk_i,
  input  logic [AddressBits-1:0] address_i,
  output logic [Width-1:0]       data_o
);

  // Wrong parameters do not elaborate: there is no such module.
  if (Width < 1 || Depth < 1) begin : g_wrong_size
    mondeq_error_rom_width_or_depth u_error ();
  end

  logic [Width-1:0] memory[Depth];

  // Some tools elaborate every module once with its default parameters.
  if (File != "") begin : g_fill
    initial $readmemh(File, memory);
  end

  always_ff @(posedge clk_i) data_o <= memory[address_i];

endmodule
