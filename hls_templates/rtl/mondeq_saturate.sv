// Symmetric saturation (AP_SAT_SYM) of a signed word to +-(2**(OutBits-1) - 1), combinational.
module mondeq_saturate #(
  parameter int InBits = 16,
  parameter int OutBits = 8
) (
  input  logic signed [InBits-1:0]  value_i,
  output logic        [OutBits-1:0] value_o
);

  // One bit more than either word, so that both limits compare in one width.
  localparam int Bits = ((InBits > OutBits) ? InBits : OutBits) + 1;
  localparam logic signed [Bits-1:0] Top = (Bits'(1) << (OutBits - 1)) - Bits'(1);

  // Wrong parameters do not elaborate: there is no such module.
  if (InBits < 1 || OutBits < 2) begin : g_wrong_widths
    mondeq_error_saturate_to_no_magnitude u_error ();
  end

  logic signed [Bits-1:0] value;

  assign value = Bits'(value_i);
  assign value_o = (value > Top) ? OutBits'(Top) : ((value < -Top) ? OutBits'(-Top) : OutBits'(value));

endmodule
