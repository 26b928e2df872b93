// The nonlinearity of the recurrence, s <- M phi(s) + d, on one symmetric word (|state| < 2**(StateBits-1)).
// Relu 0: abs, the reflected operator 2 relu(u) - u.  Relu 1: relu.  The result is never negative.
module mondeq_phi #(
  parameter int StateBits = 8,
  parameter bit          Relu = 1'b0
) (
  input  logic [StateBits-1:0] state_i,
  output logic [StateBits-2:0] phi_o
);

  // Wrong parameters do not elaborate: there is no such module.
  if (StateBits < 2) begin : g_wrong_width
    mondeq_error_state_of_no_magnitude u_error ();
  end

  logic                 negative;
  logic [StateBits-2:0] low;

  assign negative = state_i[StateBits-1];
  assign low = state_i[StateBits-2:0];

  if (Relu) begin : g_relu
    assign phi_o = negative ? '0 : low;
  end else begin : g_abs
    // The most negative word never occurs (symmetric saturation), so the low bits hold the magnitude.
    assign phi_o = negative ? -low : low;
  end

endmodule
