// Counts what may still be taken: Credits at first, one more with every give_i, one less with every take_i.
module mondeq_credits #(
  parameter int Credits = 1,
  localparam int Bits = $clog2(Credits + 1)
) (
  input  logic clk_i,
  input  logic rst_ni,
  input  logic take_i,
  input  logic give_i,
  output logic left_o,
  output logic error_o  // more than there are
);

  // Wrong parameters do not elaborate: there is no such module.
  if (Credits < 1) begin : g_wrong_credits
    mondeq_error_no_credits u_error ();
  end

  logic [Bits-1:0] credits_q;

  assign left_o = credits_q != '0;
  assign error_o = (int'(credits_q) > Credits) || (give_i && !take_i && (int'(credits_q) == Credits));

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      credits_q <= Bits'(Credits);
    end else begin
      if (give_i && !take_i) credits_q <= credits_q + 1'b1;
      if (!give_i && take_i) credits_q <= credits_q - 1'b1;
    end
  end

`ifdef MONDEQ_ASSERT
  mondeq_assert u_not_overdrawn (.clk_i, .rst_ni, .holds_i(!take_i || left_o));
  mondeq_assert u_none_made (.clk_i, .rst_ni, .holds_i(!give_i || (int'(credits_q) != Credits)));
  mondeq_assert u_range (.clk_i, .rst_ni, .holds_i(int'(credits_q) <= Credits));
`endif

endmodule
