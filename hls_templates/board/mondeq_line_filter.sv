// Brings an asynchronous line into the clock's domain and drops its pulses: the output follows once the line has
// spent Depth clocks more at the other level than at its own, so a shorter glitch is never seen.  Both edges are
// delayed alike.
module mondeq_line_filter #(
  parameter int Depth = 2
) (
  input  logic clk_i,
  input  logic rst_ni,
  input  logic line_i,
  output logic line_o
);

  localparam int LevelBits = $clog2(Depth + 1);
  localparam logic [LevelBits-1:0] Full = LevelBits'(Depth);

  // Wrong parameters do not elaborate: there is no such module.
  if (Depth < 1) begin : g_wrong_depth
    mondeq_error_line_filter_depth u_error ();
  end

  logic line_q1, line_q2;
  logic [LevelBits-1:0] level_d, level_q;

  always_comb begin
    level_d = level_q;
    if (line_q2 && (level_q != Full)) level_d = level_q + 1'b1;
    if (!line_q2 && (level_q != '0)) level_d = level_q - 1'b1;
  end

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      line_q1 <= 1'b1;
      line_q2 <= 1'b1;
      level_q <= Full;
      line_o  <= 1'b1;
    end else begin
      line_q1 <= line_i;
      line_q2 <= line_q1;
      level_q <= level_d;
      if (level_d == Full) line_o <= 1'b1;
      if (level_d == '0) line_o <= 1'b0;
    end
  end

endmodule
