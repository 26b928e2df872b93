// Reset from a button and the PLL's lock: released synchronously when both have been good for Clocks clocks, which
// outlasts a button's bouncing.
module mondeq_reset #(
  parameter int Clocks = 1000
) (
  input  logic clk_i,
  input  logic locked_i,
  input  logic button_i,
  output logic rst_no
);

  localparam int CountBits = $clog2(Clocks + 1);

  // Wrong parameters do not elaborate: there is no such module.
  if (Clocks < 1) begin : g_wrong_clocks
    mondeq_error_reset_clocks u_error ();
  end

  // Configuration loads the initial values: there is no reset before this module's own.
  /* verilator lint_off PROCASSINIT */
  logic good_q1 = 1'b0, good_q2 = 1'b0, released_q = 1'b0;
  logic [CountBits-1:0] count_q = '0;
  /* verilator lint_on PROCASSINIT */

  assign rst_no = released_q;

  always_ff @(posedge clk_i) begin
    good_q1    <= locked_i && !button_i;
    good_q2    <= good_q1;
    released_q <= good_q2 && (count_q == CountBits'(Clocks));
    if (!good_q2) count_q <= '0;
    else if (count_q != CountBits'(Clocks)) count_q <= count_q + 1'b1;
  end

endmodule
