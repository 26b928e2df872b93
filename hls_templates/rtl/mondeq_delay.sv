// Shift register of Depth stages; Depth 0 is a wire.  Cleared by reset, so it may carry valid bits.
module mondeq_delay #(
  parameter int Width = 1,
  parameter int Depth = 1
) (
  input  logic             clk_i,
  input  logic             rst_ni,
  input  logic [Width-1:0] data_i,
  output logic [Width-1:0] data_o
);

  // Wrong parameters do not elaborate: there is no such module.
  if (Width < 1 || Depth < 0) begin : g_wrong_size
    mondeq_error_delay_width_or_depth u_error ();
  end

  if (Depth == 0) begin : g_wire
    logic unused;
    assign unused = clk_i ^ rst_ni;
    assign data_o = data_i;
  end else begin : g_stages
    logic [Depth*Width-1:0] stages_q;

    // The oldest word sits at the top; shifting in one word pushes it out.
    always_ff @(posedge clk_i) begin
      if (!rst_ni) stages_q <= '0;
      else stages_q <= (Depth * Width)'({stages_q, data_i});
    end
    assign data_o = stages_q[Depth*Width-1-:Width];
  end

endmodule
