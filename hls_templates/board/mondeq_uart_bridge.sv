// Between a serial line and the core's two AXI4-Streams.  A sample reaches the core only when its frame is complete
// and its checksum right; results go back in the order of their samples, with the sequence number of the request.
module mondeq_uart_bridge #(
  parameter int ClocksPerBit = 8,
  parameter int TimeoutClocks = 1000,
  parameter int InputWords = 1,
  parameter int InputBits = 8,
  parameter int InputBytes = 1,  // of a word on the line
  parameter int Lanes = 1,       // words of a beat
  parameter int OutputWords = 1,
  parameter int OutputBytes = 1
) (
  input  logic                       clk_i,
  input  logic                       rst_ni,
  input  logic                       rx_i,
  output logic                       tx_o,
  output logic [Lanes*InputBits-1:0] sample_o,
  output logic                       sample_last_o,
  output logic                       sample_valid_o,
  input  logic                       sample_ready_i,
  input  logic [8*OutputBytes-1:0]   result_i,
  input  logic                       result_valid_i,
  output logic                       result_ready_o,
  output logic                       busy_o,   // a sample is in the core
  output logic                       error_o   // the last frame was refused
);

  localparam int SampleBytes = InputWords * InputBytes;
  localparam int Answers = 8;   // that may wait for the line; further ones are dropped, and the host asks again
  localparam int Samples = 16;  // between request and result
  localparam int AnswersBits = $clog2(Answers + 1);
  localparam int SamplesBits = $clog2(Samples + 1);

  // Wrong parameters do not elaborate: there is no such module.
  if (ClocksPerBit < 8) begin : g_wrong_bit
    mondeq_error_fewer_than_eight_clocks_per_bit u_error ();
  end
  if (InputWords < 1 || InputBytes < 1 || Lanes < 1 || Lanes > InputWords || OutputWords < 1) begin : g_wrong_sample
    mondeq_error_bridge_sample u_error ();
  end

  logic [7:0] received, stored, sent, reason, sequence_number;
  logic received_valid, received_error, stored_valid, stored_ready, sent_valid, sent_ready;
  logic start, write, commit, room, answer, answer_write, answer_read;
  logic answer_valid, answer_ready, result_done, unused_sequence_valid;
  logic [1:0] unused_errors;
  logic [7:0] answer_reason, answer_sequence, result_sequence;
  logic [AnswersBits-1:0] answers_q;
  logic [SamplesBits-1:0] samples_q;

  mondeq_uart_rx #(
    .ClocksPerBit(ClocksPerBit)
  ) u_rx (
    .clk_i,
    .rst_ni,
    .rx_i,
    .valid_o(received_valid),
    .data_o (received),
    .error_o(received_error)
  );

  mondeq_frame_decoder #(
    .SampleBytes  (SampleBytes),
    .TimeoutClocks(TimeoutClocks)
  ) u_decoder (
    .clk_i,
    .rst_ni,
    .byte_i      (received),
    .byte_valid_i(received_valid),
    .line_error_i(received_error),
    .room_i      (room && (samples_q != SamplesBits'(Samples))),
    .start_o     (start),
    .write_o     (write),
    .commit_o    (commit),
    .answer_o    (answer),
    .reason_o    (reason),
    .sequence_o  (sequence_number)
  );

  mondeq_packet_fifo #(
    .Width      (8),
    .PacketWords(SampleBytes),
    .Packets    (2)
  ) u_samples (
    .clk_i,
    .rst_ni,
    .rewind_i(start),
    .write_i (write),
    .data_i  (received),
    .commit_i(commit),
    .room_o  (room),
    .valid_o (stored_valid),
    .data_o  (stored),
    .ready_i (stored_ready)
  );

  mondeq_beat_packer #(
    .Words    (InputWords),
    .WordBits (InputBits),
    .WordBytes(InputBytes),
    .Lanes    (Lanes)
  ) u_packer (
    .clk_i,
    .rst_ni,
    .byte_i      (stored),
    .byte_valid_i(stored_valid),
    .byte_ready_o(stored_ready),
    .beat_o      (sample_o),
    .beat_last_o (sample_last_o),
    .beat_valid_o(sample_valid_o),
    .beat_ready_i(sample_ready_i)
  );

  // The core keeps the order of its samples.
  mondeq_fifo #(
    .Width(8),
    .Depth(Samples)
  ) u_sequences (
    .clk_i,
    .rst_ni,
    .write_i(commit),
    .data_i (sequence_number),
    .valid_o(unused_sequence_valid),
    .data_o (result_sequence),
    .ready_i(result_done),
    .error_o(unused_errors[0])
  );

  assign answer_write = answer && (answers_q != AnswersBits'(Answers));
  assign answer_read = answer_valid && answer_ready;

  mondeq_fifo #(
    .Width(16),
    .Depth(Answers)
  ) u_answers (
    .clk_i,
    .rst_ni,
    .write_i(answer_write),
    .data_i ({reason, sequence_number}),
    .valid_o(answer_valid),
    .data_o ({answer_reason, answer_sequence}),
    .ready_i(answer_ready),
    .error_o(unused_errors[1])
  );

  mondeq_frame_encoder #(
    .OutputWords(OutputWords),
    .OutputBytes(OutputBytes)
  ) u_encoder (
    .clk_i,
    .rst_ni,
    .answer_valid_i   (answer_valid),
    .answer_ready_o   (answer_ready),
    .answer_reason_i  (answer_reason),
    .answer_sequence_i(answer_sequence),
    .result_sequence_i(result_sequence),
    .result_done_o    (result_done),
    .result_i,
    .result_valid_i,
    .result_ready_o,
    .byte_o           (sent),
    .byte_valid_o     (sent_valid),
    .byte_ready_i     (sent_ready)
  );

  mondeq_uart_tx #(
    .ClocksPerBit(ClocksPerBit)
  ) u_tx (
    .clk_i,
    .rst_ni,
    .data_i (sent),
    .valid_i(sent_valid),
    .ready_o(sent_ready),
    .tx_o
  );

  assign busy_o = samples_q != '0;

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      answers_q <= '0;
      samples_q <= '0;
      error_o   <= 1'b0;
    end else begin
      answers_q <= answers_q + AnswersBits'(answer_write) - AnswersBits'(answer_read);
      samples_q <= samples_q + SamplesBits'(commit) - SamplesBits'(result_done);
      if (commit || answer) error_o <= answer && (reason != mondeq_board_pkg::ReasonNone);
    end
  end

`ifdef MONDEQ_ASSERT
  mondeq_assert u_answers_range (.clk_i, .rst_ni, .holds_i(int'(answers_q) <= Answers));
  mondeq_assert u_samples_range (
    .clk_i,
    .rst_ni,
    .holds_i((int'(samples_q) <= Samples) && !(result_done && (samples_q == '0)))
  );
`endif

endmodule
