// Symmetric saturation (AP_SAT_SYM) of a signed word to +-(2**(OutBits-1) - 1), combinational.
module mondeq_saturate #(
  parameter int InBits = 16,
  parameter int OutBits = 8
) (
  input  logic [InBits-1:0]  value_i,
  output logic [OutBits-1:0] value_o
);

  // One bit more than either word, so that both limits compare in one width.
  localparam int Bits = ((InBits > OutBits) ? InBits : OutBits) + 1;
  localparam logic signed [Bits-1:0] Top = (Bits'(1) << (OutBits - 1)) - Bits'(1);

  logic signed [Bits-1:0] value, clipped;

  assign value = {{Bits - InBits{value_i[InBits-1]}}, value_i};
  assign clipped = (value > Top) ? Top : ((value < -Top) ? -Top : value);
  assign value_o = clipped[OutBits-1:0];

  logic unused_clipped;
  assign unused_clipped = ^clipped[Bits-1:OutBits];

endmodule
