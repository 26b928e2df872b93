  // The word of Depth cycles ago, or zero when a reset was since then.
  localparam int FAgeBits = $clog2(Depth + 2);
  logic [Depth*Width:0] f_line_q;
  logic [(Depth+1)*Width:0] f_line;
  logic [FAgeBits-1:0] f_age_q, f_clear_q;  // cycles since the start, and since a reset
  initial f_age_q = '0;
  assign f_line = {f_line_q, data_i};
  always_ff @(posedge clk_i) begin
    f_line_q <= f_line[Depth*Width:0];
    if (f_age_q != FAgeBits'(Depth)) f_age_q <= f_age_q + 1'b1;
    if (!rst_ni) f_clear_q <= '0;
    else if (f_clear_q < FAgeBits'(Depth)) f_clear_q <= f_clear_q + 1'b1;
  end
  always_comb begin
    if (f_age_q == '0) assume (!rst_ni);
    if (f_age_q == FAgeBits'(Depth) && f_clear_q >= FAgeBits'(Depth)) begin
      late: assert (data_o == f_line[Depth*Width+:Width]);
    end
    if (f_age_q != '0 && f_clear_q < FAgeBits'(Depth)) cleared: assert (data_o == '0);
  end
