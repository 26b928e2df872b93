// Two cores in one design: OUTER behind the module's ports, where the benches are, and beside it INNER, which plays the
// beats of a file and writes its outputs to inner.txt.  Both are macros, as are the packages of the two.
module pair (
  input  logic                                     ap_clk,
  input  logic                                     ap_rst_n,
  input  logic [`OUTER_PACKAGE::InputTdataBits-1:0]  s_axis_TDATA,
  input  logic                                     s_axis_TVALID,
  output logic                                     s_axis_TREADY,
  input  logic                                     s_axis_TLAST,
  output logic [`OUTER_PACKAGE::OutputTdataBits-1:0] m_axis_TDATA,
  output logic                                     m_axis_TVALID,
  input  logic                                     m_axis_TREADY,
  output logic                                     m_axis_TLAST
);

  `OUTER u_outer (
    .ap_clk,
    .ap_rst_n,
    .s_axis_TDATA,
    .s_axis_TVALID,
    .s_axis_TREADY,
    .s_axis_TLAST,
    .m_axis_TDATA,
    .m_axis_TVALID,
    .m_axis_TREADY,
    .m_axis_TLAST
  );

  logic [`INNER_PACKAGE::InputTdataBits-1:0] beats[`BEATS];
  logic [`INNER_PACKAGE::OutputTdataBits-1:0] result;
  logic ready, valid, last;
  logic rst_n = 1'b0;
  int beat = 0, results = 0, file;

  initial begin
    $readmemh("beats.mem", beats);
    file = $fopen("inner.txt", "w");
  end

  always @(posedge ap_clk) begin
    rst_n <= 1'b1;
    if (rst_n && ready && beat < `BEATS) beat <= beat + 1;
    if (rst_n && valid) begin
      $fdisplay(file, "%0d", $signed(result));
      results <= results + 1;
      if (results == `RESULTS - 1) $fclose(file);
    end
  end

  `INNER u_inner (
    .ap_clk,
    .ap_rst_n     (rst_n),
    .s_axis_TDATA (beats[(beat < `BEATS) ? beat : 0]),
    .s_axis_TVALID(beat < `BEATS),
    .s_axis_TREADY(ready),
    .s_axis_TLAST (beat % `FRAME == `FRAME - 1),
    .m_axis_TDATA (result),
    .m_axis_TVALID(valid),
    .m_axis_TREADY(1'b1),
    .m_axis_TLAST (last)
  );

endmodule
