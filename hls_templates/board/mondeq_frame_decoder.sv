// Finds request frames among received bytes and checks them.
//   sync, kind, sequence, length (2, low first), payload, CRC-32 of all but sync (4, low first)
// After anything that leaves the frame's end in doubt it ignores the line until that has been quiet for TimeoutClocks,
// so payload is never taken for a frame, and a lost byte costs one frame at most.
module mondeq_frame_decoder #(
  parameter int SampleBytes = 1,
  parameter int TimeoutClocks = 1000
) (
  input  logic       clk_i,
  input  logic       rst_ni,
  input  logic [7:0] byte_i,
  input  logic       byte_valid_i,
  input  logic       line_error_i,  // a byte came without its stop bit
  input  logic       room_i,        // for one more sample
  output logic       start_o,       // of a frame: forget what was written since the last commit
  output logic       write_o,       // byte_i is one of a sample
  output logic       commit_o,      // the sample is complete and right
  output logic       answer_o,      // answer with the reason, or with the identity
  output logic [7:0] reason_o,      // 0: no error
  output logic [7:0] sequence_o
);

  localparam int TimerBits = (TimeoutClocks > 1) ? $clog2(TimeoutClocks) : 1;
  localparam logic [TimerBits-1:0] LastClock = TimerBits'(TimeoutClocks - 1);
  localparam logic [31:0] Residue = 32'hDEBB20E3;

  // Wrong parameters do not elaborate: there is no such module.
  if (SampleBytes < 1 || SampleBytes > 65535) begin : g_wrong_length
    mondeq_error_sample_beyond_a_frame u_error ();
  end
  if (TimeoutClocks < 2) begin : g_wrong_timeout
    mondeq_error_decoder_timeout u_error ();
  end

  typedef enum logic [2:0] {
    Hunt,
    Header,
    Payload,
    Check,
    Drain    // until the line is quiet
  } state_e;

  state_e state_d, state_q;
  logic [7:0] kind_q, length_low_q;
  logic [15:0] count_q, length;  // bytes of the state that were received
  logic [31:0] crc, crc_q;
  logic [TimerBits-1:0] timer_q;
  logic known, inference, refused_q, quiet, last;

  assign inference = kind_q == mondeq_board_pkg::KindInfer;
  assign known = inference || (kind_q == mondeq_board_pkg::KindIdentify);
  assign length = {byte_i, length_low_q};
  assign quiet = timer_q == LastClock;

  assign start_o = (state_q == Hunt) && (state_d == Header);
  assign write_o = (state_q == Payload) && byte_valid_i && !refused_q;

  mondeq_crc32 u_crc (
    .crc_i (crc_q),
    .data_i(byte_i),
    .crc_o (crc)
  );

  // Every path out of a frame either commits a sample or answers.
  always_comb begin
    state_d  = state_q;
    last     = 1'b0;
    commit_o = 1'b0;
    answer_o = 1'b0;
    reason_o = mondeq_board_pkg::ReasonNone;
    if (line_error_i) begin
      state_d  = Drain;
      answer_o = state_q != Drain;
      reason_o = mondeq_board_pkg::ReasonLine;
    end else if (byte_valid_i) begin
      case (state_q)
        Hunt: begin
          state_d = Header;
          if (byte_i != mondeq_board_pkg::Sync) begin
            state_d  = Drain;
            answer_o = 1'b1;
            reason_o = mondeq_board_pkg::ReasonStray;
          end
        end
        Header: begin
          last = count_q == 16'd3;
          if (last) begin
            state_d = Payload;
            if (length == '0) state_d = Check;
            if (!known || (length != (inference ? 16'(SampleBytes) : 16'd0))) begin
              state_d  = Drain;
              answer_o = 1'b1;
              reason_o = known ? mondeq_board_pkg::ReasonLength : mondeq_board_pkg::ReasonKind;
            end
          end
        end
        Payload: begin
          last = count_q == 16'(SampleBytes - 1);
          if (last) state_d = Check;
        end
        Check: begin
          last = count_q == 16'd3;
          if (last) begin
            state_d  = Hunt;
            commit_o = (crc == Residue) && inference && !refused_q;
            answer_o = !commit_o;
            if (crc != Residue) reason_o = mondeq_board_pkg::ReasonCrc;
            else if (inference) reason_o = mondeq_board_pkg::ReasonBusy;
          end
        end
        default: ;
      endcase
    end else if (quiet && (state_q != Hunt)) begin
      state_d  = Hunt;
      answer_o = state_q != Drain;
      reason_o = mondeq_board_pkg::ReasonTimeout;
    end
  end

  // What a frame leaves begins anew with the next one: only the state has a reset, and what an error before any frame has
  // as its sequence number.
  always_ff @(posedge clk_i) begin
    if (!rst_ni) state_q <= Hunt;
    else state_q <= state_d;
    if (!rst_ni) sequence_o <= '0;
    else if ((state_q == Header) && byte_valid_i && (count_q == 16'd1)) sequence_o <= byte_i;
    timer_q <= (byte_valid_i || line_error_i || (state_q == Hunt)) ? '0 : timer_q + 1'b1;
    if (start_o) crc_q <= '1;
    else if (byte_valid_i) crc_q <= crc;
    if (start_o || last) count_q <= '0;
    else if (byte_valid_i) count_q <= count_q + 1'b1;
    if ((state_q == Header) && byte_valid_i) begin
      if (count_q == 16'd0) kind_q <= byte_i;
      if (count_q == 16'd2) length_low_q <= byte_i;
      refused_q <= !room_i;
    end
  end

`ifdef MONDEQ_ASSERT
  logic counted;
  logic [15:0] limit;

  assign counted = (state_q == Hunt) || (state_q == Drain) || (count_q < limit);
  assign limit = (state_q == Payload) ? 16'(SampleBytes) : 16'd4;
  mondeq_assert u_count (.clk_i, .rst_ni, .holds_i(counted));
  mondeq_assert u_one_answer (.clk_i, .rst_ni, .holds_i(!(commit_o && answer_o)));
`endif

endmodule
