  // A frame is sync, kind, sequence number, length, payload and checksum of all but sync, for whatever was taken as the
  // frame before it ended: an answer first, a result as soon as its first word is there.
  localparam logic [7:0] FResult = mondeq_board_pkg::KindResult;
  localparam logic [7:0] FIdentity = mondeq_board_pkg::KindIdentity;
  localparam logic [7:0] FError = mondeq_board_pkg::KindError;
  logic f_old = 1'b0;
  logic f_busy_q;
  logic [16:0] f_place_q, f_length, f_data, f_check;  // bytes of the frame, its payload and its checksum that were sent
  logic [7:0] f_kind_q, f_sequence_q, f_reason_q, f_byte;
  logic [15:0] f_in_word_q, f_words_q;                // bytes of the word, words of the result that were sent
  logic [31:0] f_crc_q;
  logic f_payload, f_word_ends;
  assign f_length = (f_kind_q == FResult) ? OutputWords * OutputBytes
                  : (f_kind_q == FIdentity) ? mondeq_board_pkg::IdentityBytes : 1;
  assign f_data = f_place_q - 5;
  assign f_check = f_place_q - 5 - f_length;
  assign f_payload = f_place_q >= 5 && f_place_q < 5 + f_length;
  assign f_word_ends = f_payload && f_kind_q == FResult && f_in_word_q == OutputBytes - 1;
  always_comb begin
    f_byte = ~f_crc_q[8*f_check[1:0]+:8];
    if (f_place_q == 0) f_byte = mondeq_board_pkg::Sync;
    else if (f_place_q == 1) f_byte = f_kind_q;
    else if (f_place_q == 2) f_byte = f_sequence_q;
    else if (f_place_q == 3) f_byte = f_length[7:0];
    else if (f_place_q == 4) f_byte = f_length[15:8];
    else if (f_payload && f_kind_q == FResult) f_byte = result_i[8*f_in_word_q+:8];
    else if (f_payload && f_kind_q == FIdentity) f_byte = mondeq_board_pkg::Identity[8*f_data+:8];
    else if (f_payload) f_byte = f_reason_q;
  end
  always_ff @(posedge clk_i) begin
    f_old <= 1'b1;
    if (!rst_ni) f_busy_q <= 1'b0;
    else if (!f_busy_q) begin
      f_busy_q <= answer_valid_i || result_valid_i;
      f_place_q <= 0;
      f_in_word_q <= 0;
      f_words_q <= 0;
      f_crc_q <= '1;
      f_kind_q <= !answer_valid_i ? FResult
                : (answer_reason_i == mondeq_board_pkg::ReasonNone) ? FIdentity : FError;
      f_sequence_q <= answer_valid_i ? answer_sequence_i : result_sequence_i;
      f_reason_q <= answer_reason_i;
    end else if (byte_valid_o && byte_ready_i) begin
      f_place_q <= f_place_q + 1;
      if (f_place_q == 5 + f_length + 3) f_busy_q <= 1'b0;
      if (f_place_q != 0 && f_place_q < 5 + f_length) f_crc_q <= crc;  // of crc_q, which is the same, as long as in_frame holds
      if (f_payload && f_kind_q == FResult) f_in_word_q <= f_word_ends ? 0 : f_in_word_q + 1;
      if (f_word_ends) f_words_q <= f_words_q + 1;
    end
  end
  logic f_waits_q, f_stalled_q;
  logic [8*OutputBytes-1:0] f_result_q;
  logic [7:0] f_offered_q;
  always_ff @(posedge clk_i) begin
    f_waits_q <= rst_ni && result_valid_i && !result_ready_o;
    f_result_q <= result_i;
    f_stalled_q <= rst_ni && byte_valid_o && !byte_ready_i;
    f_offered_q <= byte_o;
  end
  logic f_kept, f_at, f_counted;  // the registers are what was taken, the state where it is, and the word's bytes counted
  always_comb begin
    f_kept = kind_q == f_kind_q && (f_kind_q == FResult || f_kind_q == FIdentity || f_kind_q == FError)
        && sequence_q == f_sequence_q && (f_kind_q != FError || reason_q == f_reason_q) && crc_q == f_crc_q;
    if (f_place_q < 5) f_at = state_q == Header && count_q == f_place_q;
    else if (f_payload) f_at = state_q == Payload && count_q == f_data;
    else f_at = f_place_q < 5 + f_length + 4 && state_q == Check && count_q == f_check;
    f_counted = result_byte_q == f_in_word_q && f_in_word_q < OutputBytes;
    if (f_kind_q == FResult && f_payload) f_counted = f_counted && f_data == f_words_q * OutputBytes + f_in_word_q;
    else f_counted = f_counted && f_in_word_q == 0 && (f_place_q >= 5 || f_words_q == 0);
    if (!f_old) assume (!rst_ni);
    // The core's part: a result stays until it is taken.
    if (f_old && f_waits_q) assume (result_valid_i && result_i == f_result_q);
    if (f_old) begin
      is_ready: assert (answer_ready_o == !f_busy_q);
      offers: assert (byte_valid_o == (f_busy_q && (!f_payload || f_kind_q != FResult || result_valid_i)));
      if (byte_valid_o) is_byte: assert (byte_o == f_byte);
      takes_word: assert (result_ready_o == (f_busy_q && f_word_ends && byte_valid_o && byte_ready_i));
      is_done: assert (result_done_o == (result_ready_o && f_words_q == OutputWords - 1));
      if (f_stalled_q) stays: assert (byte_valid_o && byte_o == f_offered_q);
      modes: assert ((state_q == Wait) == !f_busy_q);
      if (f_busy_q) in_frame: assert (f_kept && f_at && f_counted);
      else between: assert (result_byte_q == '0);
    end
  end
