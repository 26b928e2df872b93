// Weights of a folded engine, there Latency cycles after their address: two, or three where they are so many that they
// lie in several banks.  A block RAM is slow, so nothing but a register follows it, nor a bank but its own.
//
// File is the path without ".mem", before which a bank has its number, in four digits.
module mondeq_weights #(
  parameter int Width = 8,
  parameter int Depth = 1,
  parameter File = "",
  localparam int BankDepth = mondeq_pkg::WeightBankDepth,
  localparam int Banks = (Depth + BankDepth - 1) / BankDepth,
  localparam int AddressBits = (Depth > 1) ? $clog2(Depth) : 1
) (
  input  logic                   clk_i,
  input  logic                   rst_ni,
  input  logic                   read_i,  // the weights of this address count
  input  logic [AddressBits-1:0] address_i,
  output logic [Width-1:0]       data_o,
  output logic                   error_o  // a word is wrong, three cycles after its address
);

  // Wrong parameters do not elaborate: there is no such module.
  if (Width < 1 || Depth < 1) begin : g_wrong_size
    mondeq_error_weights_width_or_depth u_error ();
  end

  // Some tools elaborate every module once with its default parameters, and then there is no file.
  if (Banks <= 1) begin : g_one
    logic [Width-1:0] data;

    mondeq_rom #(
      .Width(Width),
      .Depth(Depth),
      .File ((File == "") ? "" : {File, ".mem"})
    ) u_rom (
      .clk_i,
      .rst_ni,
      .read_i,
      .address_i,
      .data_o   (data),
      .error_o
    );

    always_ff @(posedge clk_i) data_o <= data;
  end else begin : g_banks
    localparam int LowBits = $clog2(BankDepth);
    localparam int HighBits = AddressBits - LowBits;
    logic [Banks*Width-1:0] data, data_q;
    logic [HighBits-1:0] bank_q, bank_q2;
    logic [Width-1:0] chosen;
    logic [Banks-1:0] errors;

    for (genvar b = 0; b < Banks; b++) begin : g_bank
      localparam int Words = (b == Banks - 1) ? Depth - b * BankDepth : BankDepth;
      localparam int WordBits = (Words > 1) ? $clog2(Words) : 1;

      mondeq_rom #(
        .Width(Width),
        .Depth(Words),
        .File ({File, "_", 8'(48 + b / 1000), 8'(48 + b / 100 % 10), 8'(48 + b / 10 % 10), 8'(48 + b % 10), ".mem"})
      ) u_rom (
        .clk_i,
        .rst_ni,
        .read_i,
        .address_i(address_i[WordBits-1:0]),
        .data_o   (data[b*Width+:Width]),
        .error_o  (errors[b])
      );
    end

    assign error_o = errors != '0;

    always_comb begin
      chosen = '0;
      for (int b = 0; b < Banks; b++) begin
        if (bank_q2 == HighBits'(b)) chosen = data_q[b*Width+:Width];
      end
    end

    always_ff @(posedge clk_i) begin
      bank_q  <= address_i[AddressBits-1:LowBits];
      bank_q2 <= bank_q;
      data_q  <= data;
      data_o  <= chosen;
    end
  end

`ifdef MONDEQ_ASSERT
  mondeq_assert u_address (.clk_i, .rst_ni(1'b1), .holds_i(!(int'(address_i) >= Depth)));
`endif

endmodule
