// Top of a board's bitstream: clock, reset, serial bridge and core.
module mondeq_board (
  input  logic       clk_i,     // the oscillator
  input  logic       button_i,  // high: reset
  input  logic       rx_i,
  output logic       tx_o,
  output logic [7:0] led_o,     // ready, busy, error; the others are dark
  output logic       high_o     // for pins that keep the rest of the board quiet
);

  localparam int InputTdataBits = mondeq_pkg::InputTdataBits;
  localparam int BeatBits = mondeq_pkg::DriveSimd * mondeq_pkg::InputBits;

  logic clk, locked, rst_n, run_n, calm_q, event_frame, event_error, busy, error;
  logic [BeatBits-1:0] sample;
  logic [InputTdataBits-1:0] beat;
  logic sample_last, sample_valid, sample_ready;
  logic [mondeq_pkg::OutputTdataBits-1:0] result;
  logic result_valid, result_ready, unused_result_last;

  if (mondeq_board_pkg::UsePll != 0) begin : g_pll
    mondeq_pll #(
      .InputDivider   (mondeq_board_pkg::PllInputDivider),
      .FeedbackDivider(mondeq_board_pkg::PllFeedbackDivider),
      .OutputDivider  (mondeq_board_pkg::PllOutputDivider)
    ) u_pll (
      .clk_i,
      .clk_o   (clk),
      .locked_o(locked)
    );
  end else begin : g_oscillator
    assign clk = clk_i;
    assign locked = 1'b1;
  end

  mondeq_reset #(
    .Clocks(mondeq_board_pkg::ResetClocks)
  ) u_reset (
    .clk_i   (clk),
    .locked_i(locked),
    .button_i,
    .rst_no  (rst_n)
  );

  // A frame that the core refuses would leave every later answer to the request before it.  So bridge and core begin
  // anew, and the host asks again for what was under way.
  always_ff @(posedge clk) calm_q <= !event_frame && !event_error;
  assign run_n = rst_n && calm_q;

  mondeq_uart_bridge #(
    .ClocksPerBit (mondeq_board_pkg::ClocksPerBit),
    .TimeoutClocks(mondeq_board_pkg::TimeoutClocks),
    .InputWords   (mondeq_pkg::InputWords),
    .InputBits    (mondeq_pkg::InputBits),
    .InputBytes   (mondeq_board_pkg::InputBytes),
    .Lanes        (mondeq_pkg::DriveSimd),
    .OutputWords  (mondeq_pkg::OutputWords),
    .OutputBytes  (mondeq_pkg::OutputTdataBits / 8)
  ) u_bridge (
    .clk_i         (clk),
    .rst_ni        (run_n),
    .rx_i,
    .tx_o,
    .sample_o      (sample),
    .sample_last_o (sample_last),
    .sample_valid_o(sample_valid),
    .sample_ready_i(sample_ready),
    .result_i      (result),
    .result_valid_i(result_valid),
    .result_ready_o(result_ready),
    .busy_o        (busy),
    .error_o       (error)
  );

  // Its lanes may be wider than the words.
  always_comb begin
    beat = '0;
    for (int l = 0; l < mondeq_pkg::DriveSimd; l++) begin
      beat[l*mondeq_pkg::InputLaneBits+:mondeq_pkg::InputBits] = sample[l*mondeq_pkg::InputBits+:mondeq_pkg::InputBits];
    end
  end

  mondeq_top u_core (
    .ap_clk       (clk),
    .ap_rst_n     (run_n),
    .s_axis_TDATA (beat),
    .s_axis_TVALID(sample_valid),
    .s_axis_TREADY(sample_ready),
    .s_axis_TLAST (sample_last),
    .m_axis_TDATA (result),
    .m_axis_TVALID(result_valid),
    .m_axis_TREADY(result_ready),
    .m_axis_TLAST (unused_result_last),
    .event_frame_o(event_frame),
    .event_error_o(event_error),
    .event_clear_i(1'b0)
  );

  assign led_o = {5'b0, error, busy, rst_n};
  assign high_o = 1'b1;

endmodule
