// floor(value / 2**(Base + shift) + 1/2): round half up, in two steps of one cycle each.
// One extra bit below the binary point keeps the half; adding it back rounds.
module mondeq_round_shift #(
  parameter int InBits = 16,
  parameter int OutBits = 16,
  parameter int Base = 0,
  parameter int ShiftBits = 1
) (
  input  logic                 clk_i,
  input  logic [InBits-1:0]    value_i,
  input  logic [ShiftBits-1:0] shift_i,
  output logic [OutBits-1:0]   rounded_o  // combinational, one cycle after value_i
);

  // Wrong parameters do not elaborate: there is no such module.
  if (InBits < 1 || OutBits < 1) begin : g_wrong_widths
    mondeq_error_round_shift_of_no_bits u_error ();
  end
  if (Base < 0 || ShiftBits < 1) begin : g_wrong_shift
    mondeq_error_round_shift_to_the_left u_error ();
  end

  logic signed [InBits:0] doubled, shifted_q;

  assign doubled = {value_i, 1'b0};
  always_ff @(posedge clk_i) shifted_q <= (doubled >>> Base) >>> shift_i;

  // OutBits holds every result, so cutting loses nothing.
  assign rounded_o = OutBits'(shifted_q >>> 1) + OutBits'(shifted_q[0]);

endmodule
