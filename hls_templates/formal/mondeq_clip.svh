  // Modulo 2**WordBits, which holds every result: p = min(max(s, lower), upper), or s - p, and 2 p - s of that.
  localparam int FBits = ((StateBits > WordBits) ? StateBits : WordBits) + 3;
  logic signed [FBits-1:0] f_state, f_lower, f_upper, f_clipped, f_prox, f_word;
  assign f_state = $signed(state_i);
  assign f_lower = $signed(lower_i);
  assign f_upper = $signed(upper_i);
  always_comb begin
    assume (state_i != {1'b1, {StateBits - 1{1'b0}}});
    assume (f_lower <= 0 && f_upper >= 0);
    f_clipped = f_state;
    if (Below && f_state < f_lower) f_clipped = f_lower;
    if (Above && f_state > f_upper) f_clipped = f_upper;
    f_prox = Complement && complement_i ? f_state - f_clipped : f_clipped;
    f_word = Reflect ? 2 * f_prox - f_state : f_prox;
    is_prox: assert (word_o == f_word[WordBits-1:0]);
  end
