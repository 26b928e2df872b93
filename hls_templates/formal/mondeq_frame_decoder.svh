  // A sample is committed where a whole frame of its kind, length and checksum came while there was room, and nowhere
  // else; every other frame, and every byte outside one, is answered once, with the reason that docs/bitstream.md names.
  localparam int FIdle = 0, FFrame = 1, FDeaf = 2;  // deaf: until the line has been quiet
  logic f_old = 1'b0;
  logic [1:0] f_state_q, f_state;
  logic [16:0] f_place_q, f_end;                // bytes behind sync; those before the checksum
  logic [7:0] f_kind_q, f_sequence_q, f_low_q, f_reason;
  logic f_infer, f_known, f_room_q, f_right_q, f_right, f_commit, f_answer, f_quiet;
  logic [31:0] f_clocks_q, f_crc_q;  // since the last byte; the checksum
  logic [1:0] f_check;
  assign f_infer = f_kind_q == mondeq_board_pkg::KindInfer;
  assign f_known = f_infer || f_kind_q == mondeq_board_pkg::KindIdentify;
  assign f_end = 4 + (f_infer ? SampleBytes : 0);
  assign f_check = f_place_q - f_end;
  assign f_right = f_right_q && byte_i == ~f_crc_q[8*f_check+:8];
  assign f_quiet = f_clocks_q == TimeoutClocks - 1;
  always_comb begin
    f_state = f_state_q;
    f_commit = 1'b0;
    f_answer = 1'b0;
    f_reason = mondeq_board_pkg::ReasonNone;
    if (line_error_i) begin
      f_state = FDeaf;
      f_answer = f_state_q != FDeaf;
      f_reason = mondeq_board_pkg::ReasonLine;
    end else if (byte_valid_i && f_state_q == FIdle) begin
      f_state = (byte_i == mondeq_board_pkg::Sync) ? FFrame : FDeaf;
      f_answer = f_state == FDeaf;
      f_reason = mondeq_board_pkg::ReasonStray;
    end else if (byte_valid_i && f_state_q == FFrame) begin
      if (f_place_q == 3 && {byte_i, f_low_q} != f_end - 4 || f_place_q == 3 && !f_known) begin
        f_state = FDeaf;
        f_answer = 1'b1;
        f_reason = f_known ? mondeq_board_pkg::ReasonLength : mondeq_board_pkg::ReasonKind;
      end else if (f_place_q == f_end + 3) begin
        f_state = FIdle;
        f_commit = f_right && f_infer && f_room_q;
        f_answer = !f_commit;
        f_reason = !f_right ? mondeq_board_pkg::ReasonCrc
                 : f_infer ? mondeq_board_pkg::ReasonBusy : mondeq_board_pkg::ReasonNone;
      end
    end else if (!byte_valid_i && f_quiet && f_state_q != FIdle) begin
      f_state = FIdle;
      f_answer = f_state_q == FFrame;
      f_reason = mondeq_board_pkg::ReasonTimeout;
    end
  end
  always_ff @(posedge clk_i) begin
    f_old <= 1'b1;
    if (!rst_ni) begin
      f_state_q <= FIdle;
      f_sequence_q <= '0;
    end else begin
      f_state_q <= f_state;
      f_clocks_q <= (byte_valid_i || line_error_i) ? 0 : f_clocks_q + 1;
      if (f_state_q == FIdle && f_state == FFrame) begin
        f_place_q <= 0;
        f_crc_q <= '1;
        f_right_q <= 1'b1;
      end else if (byte_valid_i && f_state_q == FFrame) begin
        f_place_q <= f_place_q + 1;
        if (f_place_q == 0) f_kind_q <= byte_i;
        if (f_place_q == 1) f_sequence_q <= byte_i;
        if (f_place_q == 2) f_low_q <= byte_i;
        if (f_place_q == 3) f_room_q <= room_i;
        if (f_place_q < f_end || f_place_q < 4) f_crc_q <= crc;  // of crc_q, which is the same, as long as in_frame holds
        else f_right_q <= f_right;
      end
    end
  end
  // Right bytes of a checksum leave the register at what is left of it, shifted, and a constant.  A wrong byte's trace
  // reaches the highest byte, and those that follow shift it down by a byte each, too few to be rid of it.
  logic [31:0] f_trace;
  logic f_kept, f_at;  // the registers are what was received, and the state is where it is
  always_comb begin
    case (f_check)
      2'd0: f_trace = crc_q ^ f_crc_q;
      2'd1: f_trace = crc_q ^ (f_crc_q >> 8) ^ 32'h2D02EF8D;
      2'd2: f_trace = crc_q ^ (f_crc_q >> 16) ^ 32'hBE2612FF;
      default: f_trace = crc_q ^ (f_crc_q >> 24) ^ 32'h00BE2612;
    endcase
    f_kept = (f_place_q == 0 || kind_q == f_kind_q) && (f_place_q != 3 || length_low_q == f_low_q)
        && (f_place_q < 4 || refused_q == !f_room_q);
    if (f_place_q < 4) f_at = state_q == Header && count_q == f_place_q && crc_q == f_crc_q && f_right_q;
    else if (f_place_q < f_end) f_at = state_q == Payload && count_q == f_place_q - 4 && crc_q == f_crc_q && f_right_q;
    else f_at = f_place_q < f_end + 4 && state_q == Check && count_q == f_check
        && (f_right_q ? f_trace == '0 : (f_trace >> (8 * (4 - f_check))) != '0);
    if (!f_old) assume (!rst_ni);
    // The receiver's part: a byte comes, or an error in its place.
    assume (!(byte_valid_i && line_error_i));
    if (f_old) begin
      commits: assert (commit_o == f_commit);
      answers: assert (answer_o == f_answer);
      if (f_answer) is_reason: assert (reason_o == f_reason);
      is_sequence: assert (sequence_o == f_sequence_q);
      starts: assert (start_o == (f_state_q == FIdle && f_state == FFrame));
      writes: assert (write_o == (byte_valid_i && f_state_q == FFrame && f_place_q >= 4 && f_place_q < f_end && f_room_q));
      modes: assert (f_state_q <= FDeaf && (state_q == Hunt) == (f_state_q == FIdle) && (state_q == Drain) == (f_state_q == FDeaf));
      if (f_state_q != FIdle) clocks: assert (f_clocks_q < TimeoutClocks && timer_q == f_clocks_q);
      if (f_state_q == FFrame) in_frame: assert (f_kept && f_at && (f_place_q < 4 || f_known));
    end
  end
