// Read-only memory with a registered output (block RAM template), filled from a hex file.
//
// With Parity a word has one bit more, above the others, so that an odd number of its bits is set.  Every word that is
// read is checked, and while none is, the others in turn: error_o follows three cycles after the address of a wrong
// word, so before anything was computed with it, and at most Depth + 3 cycles without reading after its bit has turned.
module mondeq_rom #(
  parameter int Width = 8,
  parameter int Depth = 1,
  parameter File = "",
  parameter bit Parity = mondeq_pkg::MemoryParity != 0,
  localparam int AddressBits = (Depth > 1) ? $clog2(Depth) : 1
) (
  input  logic                   clk_i,
  input  logic                   rst_ni,
  input  logic                   read_i,  // the word of this address counts
  input  logic [AddressBits-1:0] address_i,
  output logic [Width-1:0]       data_o,
  output logic                   error_o
);

  // Wrong parameters do not elaborate: there is no such module.
  if (Width < 1 || Depth < 1) begin : g_wrong_size
    mondeq_error_rom_width_or_depth u_error ();
  end

  localparam int StoredBits = Width + int'(Parity);

  logic [StoredBits-1:0] memory[Depth];
  logic [StoredBits-1:0] word_q;
  logic [AddressBits-1:0] address;

  // Some tools elaborate every module once with its default parameters.
  if (File != "") begin : g_fill
    initial $readmemh(File, memory);
  end

  always_ff @(posedge clk_i) word_q <= memory[address];
  assign data_o = word_q[Width-1:0];

  if (Parity) begin : g_parity
    logic [AddressBits-1:0] scrub_address_q;
    logic [StoredBits-1:0] checked_q;
    logic [1:0] counts_q;  // the word, and the one that is checked, are some of the memory
    logic error_q;

    assign address = read_i ? address_i : scrub_address_q;
    assign error_o = error_q;

    always_ff @(posedge clk_i) checked_q <= word_q;

    always_ff @(posedge clk_i) begin
      if (!rst_ni) begin
        scrub_address_q <= '0;
        counts_q <= '0;
        error_q <= 1'b0;
      end else begin
        if (!read_i) scrub_address_q <= (int'(scrub_address_q) >= Depth - 1) ? '0 : scrub_address_q + 1'b1;
        counts_q <= {counts_q[0], int'(address) < Depth};
        error_q <= counts_q[1] && !(^checked_q);
      end
    end
  end else begin : g_unchecked
    logic unused_read;
    assign unused_read = ^{rst_ni, read_i};
    assign address = address_i;
    assign error_o = 1'b0;
  end

endmodule
