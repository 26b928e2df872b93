  // For every word: itself between the limits, else the limit that it passed.
  localparam int FBits = ((InBits > OutBits) ? InBits : OutBits) + 2;
  logic signed [FBits-1:0] f_in, f_out, f_top;
  assign f_in = value_i;
  assign f_out = $signed(value_o);
  assign f_top = (FBits'(1) << (OutBits - 1)) - FBits'(1);
  always_comb begin
    if (f_in > f_top) above: assert (f_out == f_top);
    if (f_in < -f_top) below: assert (f_out == -f_top);
    if (f_in <= f_top && f_in >= -f_top) between: assert (f_out == f_in);
  end
