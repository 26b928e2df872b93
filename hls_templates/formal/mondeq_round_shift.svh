  // floor((value + 2**(t-1)) / 2**t) with t = Base + shift, where that has OutBits.
  localparam int FBits = InBits + Base + (1 << ShiftBits) + 2;
  logic signed [FBits-1:0] f_value, f_half, f_rounded_q, f_out;
  logic f_fits;
  logic f_old = 1'b0;
  logic [31:0] f_shift;
  assign f_shift = Base + 32'(shift_i);
  assign f_value = $signed(value_i);
  assign f_half = (FBits'(1) << f_shift) >> 1;
  assign f_out = $signed(rounded_o);
  always_ff @(posedge clk_i) begin
    f_rounded_q <= (f_value + f_half) >>> f_shift;
    f_old <= 1'b1;
  end
  assign f_fits = f_rounded_q == {{FBits - OutBits + 1{f_rounded_q[OutBits-1]}}, f_rounded_q[OutBits-2:0]};
  always_comb if (f_old && f_fits) is_rounded: assert (f_out == f_rounded_q);
