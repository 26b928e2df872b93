  // The output moves only when the level has reached an end: the line was at the other level for Depth clocks more.
  logic f_old = 1'b0;
  logic f_line_q, f_moves_q;
  logic [LevelBits-1:0] f_level_q;
  always_ff @(posedge clk_i) begin
    f_old <= 1'b1;
    f_line_q <= line_o;
    f_level_q <= level_q;
    f_moves_q <= rst_ni && line_q2;
  end
  logic f_reset_q;
  always_ff @(posedge clk_i) f_reset_q <= !rst_ni;
  always_comb begin
    if (!f_old) assume (!rst_ni);
    if (f_old) begin
      in_range: assert (32'(level_q) <= Depth);
      if (level_q == Full) high: assert (line_o);
      if (level_q == '0) low: assert (!line_o);
      if (!f_reset_q && line_o != f_line_q) only_at_an_end: assert (level_q == (line_o ? Full : '0));
      if (!f_reset_q) counts: assert (32'(level_q) == (f_moves_q ? (f_level_q == Full ? Depth : 32'(f_level_q) + 1)
          : (f_level_q == '0 ? 0 : 32'(f_level_q) - 1)));
    end
  end
