// Serial receiver, 8 data bits, no parity, one stop bit.  Bits are taken at their middle, counted from the start bit's
// edge; the receiver is ready for the next edge from the middle of the stop bit on, so the sender's clock may differ.
module mondeq_uart_rx #(
  parameter int ClocksPerBit = 8
) (
  input  logic       clk_i,
  input  logic       rst_ni,
  input  logic       rx_i,
  output logic       valid_o,
  output logic [7:0] data_o,
  output logic       error_o   // no stop bit: the byte is dropped
);

  localparam int CountBits = $clog2(ClocksPerBit);
  localparam logic [CountBits-1:0] Middle = CountBits'(ClocksPerBit / 2 - 1);
  localparam logic [CountBits-1:0] Last = CountBits'(ClocksPerBit - 1);
  localparam logic [3:0] StartBit = 4'd0;
  localparam logic [3:0] StopBit = 4'd9;

  // Wrong parameters do not elaborate: there is no such module.
  if (ClocksPerBit < 8) begin : g_wrong_bit
    mondeq_error_fewer_than_eight_clocks_per_bit u_error ();
  end

  typedef enum logic [1:0] {
    Idle,
    Receive,
    Break    // no stop bit came: wait until the line is idle again
  } state_e;

  state_e state_d, state_q;
  logic line, receives, sample;
  logic [CountBits-1:0] count_q;
  logic [3:0] bit_q;

  // A quarter of a bit: shorter pulses are noise, and drift has the rest.
  mondeq_line_filter #(
    .Depth(ClocksPerBit / 4)
  ) u_filter (
    .clk_i,
    .rst_ni,
    .line_i(rx_i),
    .line_o(line)
  );

  assign receives = state_q == Receive;
  assign sample = receives && (count_q == Middle);
  assign valid_o = sample && (bit_q == StopBit) && line;
  assign error_o = sample && (bit_q == StopBit) && !line;

  always_comb begin
    state_d = state_q;
    case (state_q)
      Idle: if (!line) state_d = Receive;
      Receive: begin
        if (sample && (bit_q == StartBit) && line) state_d = Idle;  // not a start bit after all
        if (valid_o) state_d = Idle;
        if (error_o) state_d = Break;
      end
      default: if (line) state_d = Idle;
    endcase
  end

  // What is counted begins anew with every byte, so that only the state has a reset.
  always_ff @(posedge clk_i) begin
    if (!rst_ni) state_q <= Idle;
    else state_q <= state_d;
    if (!receives) begin
      count_q <= '0;
      bit_q   <= StartBit;
    end else begin
      count_q <= (count_q == Last) ? '0 : count_q + 1'b1;
      if (count_q == Last) bit_q <= bit_q + 1'b1;
      if (sample && (bit_q != StopBit)) data_o <= {line, data_o[7:1]};
    end
  end

`ifdef MONDEQ_ASSERT
  mondeq_assert u_range (
    .clk_i,
    .rst_ni,
    .holds_i(!receives || ((int'(count_q) < ClocksPerBit) && (bit_q <= StopBit)))
  );
`endif

endmodule
