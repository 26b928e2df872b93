  // Never more than Credits, never less than none; Credits less what was taken and not given back.
  logic f_old = 1'b0;
  logic [31:0] f_taken_q;
  always_ff @(posedge clk_i) begin
    f_old <= 1'b1;
    f_taken_q <= rst_ni ? f_taken_q + 32'(take_i) - 32'(give_i) : '0;
  end
  always_comb begin
    if (!f_old) assume (!rst_ni);
    // The user's part.
    if (!left_o) assume (!take_i);
    if (f_taken_q == 0) assume (!give_i);
    // In any state, be it after an upset.
    contradiction: assert (error_o == (32'(credits_q) + 32'(give_i && !take_i) > Credits));
    if (f_old) begin
      count: assert (32'(credits_q) + f_taken_q == Credits);
      no_overrun: assert (f_taken_q <= Credits);
      left: assert (left_o == (f_taken_q != Credits));
    end
  end
