// In simulation with MONDEQ_ASSERT: a condition that holds at every clock edge outside reset.  The first edge at which
// it does not is a line of the log, which the benches read.  What is unknown is not judged.
`ifdef MONDEQ_ASSERT
module mondeq_assert (
  input logic clk_i,
  input logic rst_ni,
  input logic holds_i
);

  logic failed_q;  // unknown, or 0, until then
  logic fails;

  assign fails = (rst_ni === 1'b1) && (holds_i === 1'b0) && (failed_q !== 1'b1);

`ifdef __ICARUS__
  // An edge without a failure then costs Icarus nothing, which is half of its time.
  always begin
    wait (fails);
    @(posedge clk_i);
`else
  always @(posedge clk_i) begin
`endif
    if (fails) begin
      failed_q <= 1'b1;
      $display("assertion failed at %0d ns: %m", $time);
    end
  end

endmodule
`endif
