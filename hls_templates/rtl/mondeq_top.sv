// MonDEQ inference over AXI4-Stream: drive -> solve -> readout, each at work on its own samples.
// All sizes and widths come from the generated mondeq_pkg, whose values are the engines' default parameters; ports are
// named as Vitis HLS names them.
//
// Each engine has two forms with the same name and ports: its matrix folded onto multipliers (folded/), or unrolled as
// an adder graph (unrolled/).  The list of sources has the form that was chosen.  In a straight core (straight/) states go
// straight from the solver to the readout, whose beat has all outputs.
module mondeq_top (
  input  logic                                     ap_clk,
  input  logic                                     ap_rst_n,
  input  logic [mondeq_pkg::InputTdataBits-1:0]    s_axis_TDATA,
  input  logic                                     s_axis_TVALID,
  output logic                                     s_axis_TREADY,
  input  logic                                     s_axis_TLAST,
  output logic [mondeq_pkg::OutputTdataBits-1:0]   m_axis_TDATA,
  output logic                                     m_axis_TVALID,
  input  logic                                     m_axis_TREADY,
  output logic                                     m_axis_TLAST,
  output logic                                     event_frame_o,  // a broken frame has come
  output logic                                     event_error_o,  // with a guard: an upset was noticed
  input  logic                                     event_clear_i
);

  localparam int Slots = mondeq_pkg::Slots;
  localparam int Rows = mondeq_pkg::StateWords;
  localparam int BeatBits = mondeq_pkg::DriveSimd * mondeq_pkg::InputBits;
  localparam int LaneBits = mondeq_pkg::InputLaneBits;  // from one input word to the next
  localparam int OutputBits = mondeq_pkg::OutputBits;
  localparam int OutputWords = mondeq_pkg::OutputBeatWords;
  localparam bit Straight = mondeq_pkg::Straight != 0;
  localparam int ResultBits = Straight ? OutputWords * OutputBits : OutputBits;
  localparam int Carried = mondeq_pkg::CarriedWords;
  localparam int CarriedBits = (Carried > 0) ? Carried * mondeq_pkg::InputBits : 1;
  localparam int Beats = (mondeq_pkg::InputWords + mondeq_pkg::DriveSimd - 1) / mondeq_pkg::DriveSimd;
  localparam int LoadBeats = (Carried + mondeq_pkg::DriveSimd - 1) / mondeq_pkg::DriveSimd;
  localparam int IndexBits = (Beats > 1) ? $clog2(Beats) : 1;
  localparam int SlotBits = (Slots > 1) ? $clog2(Slots) : 1;
  localparam int DriveBits = mondeq_pkg::DriveBits;
  localparam int DriveGroups = (mondeq_pkg::DriveRows + mondeq_pkg::DrivePe - 1) / mondeq_pkg::DrivePe;
  localparam int DriveRowBits = (DriveGroups > 1) ? $clog2(DriveGroups) : 1;
  // The rows of the states among them.
  localparam int StateDriveBits = mondeq_pkg::StateDriveBits;
  localparam int StatePe = mondeq_pkg::StateDrivePe;
  localparam int StateGroups = (Rows + StatePe - 1) / StatePe;
  localparam int StateRowBits = (StateGroups > 1) ? $clog2(StateGroups) : 1;
  localparam int ReadoutGroups = (Rows + mondeq_pkg::ReadoutSimd - 1) / mondeq_pkg::ReadoutSimd;
  localparam int ReadoutColumnBits = (ReadoutGroups > 1) ? $clog2(ReadoutGroups) : 1;

  // Wrong parameters do not elaborate: there is no such module.
  if (mondeq_pkg::Watchdog > 0 && mondeq_pkg::FrameCheck == 0) begin : g_wrong_guard
    mondeq_error_guard_without_frames u_error ();
  end
  if (mondeq_pkg::Watchdog > 0 && OutputWords != 1) begin : g_unguarded_beats
    mondeq_error_guard_of_single_words u_error ();
  end
  if (mondeq_pkg::MemoryParity != 0 && mondeq_pkg::Watchdog == 0) begin : g_wrong_parity
    mondeq_error_parity_without_guard u_error ();
  end
  if (mondeq_pkg::InputTdataBits < mondeq_pkg::DriveSimd * LaneBits + int'(Carried > 0)
      || LaneBits < mondeq_pkg::InputBits || mondeq_pkg::OutputLaneBits < OutputBits || OutputWords < 1
      || mondeq_pkg::OutputTdataBits < OutputWords * mondeq_pkg::OutputLaneBits) begin : g_wrong_streams
    mondeq_error_stream_narrower_than_its_words u_error ();
  end

  logic drive_write, state_write, drive_loaded, release_slot, release_slot_q, direct_step, direct_last;
  logic [SlotBits-1:0] drive_slot, readout_slot;
  logic [DriveRowBits-1:0] drive_row;
  logic [mondeq_pkg::DrivePe*DriveBits-1:0] drive_words;
  logic [StatePe*StateDriveBits-1:0] state_words;
  logic [Slots-1:0] done;
  logic [ReadoutColumnBits-1:0] readout_column;
  logic [mondeq_pkg::ReadoutSimd*mondeq_pkg::StateBits-1:0] readout_words;
  logic [OutputBits-1:0] direct, carried_word;
  logic [ResultBits-1:0] readout_result, result;
  logic check_valid, frame_valid, frame_ready, drained, load, whole, broken;
  logic [((LoadBeats > Beats) ? $clog2(LoadBeats) : IndexBits)-1:0] index;
  logic [IndexBits-1:0] sample_index;
  logic beat_valid, beat_ready, fresh, taken, carried_write, carried_last;
  logic [CarriedBits-1:0] carried;
  logic drive_error, solve_error, readout_error, direct_error, flush, core_rst_n;
  logic core_valid, core_ready, core_last, fill, word_valid, word_ready, word_last;
  logic drive_memory_error, solve_memory_error, readout_memory_error, memory_error;

  // The padding above a word and above the last one carries nothing.
  logic [BeatBits-1:0] beat;
  logic unused_input;
  assign unused_input = ^s_axis_TDATA;
  for (genvar l = 0; l < mondeq_pkg::DriveSimd; l++) begin : g_lane
    assign beat[l*mondeq_pkg::InputBits+:mondeq_pkg::InputBits] = s_axis_TDATA[l*LaneBits+:mondeq_pkg::InputBits];
  end

  // Of a program that carries a state the bit above a beat's words says that they are that state.
  mondeq_frame_check #(
    .Beats    (Beats),
    .LoadBeats(LoadBeats),
    .Check    (mondeq_pkg::FrameCheck != 0)
  ) u_frame_check (
    .clk_i        (ap_clk),
    .rst_ni       (ap_rst_n),
    .beat_valid_i (s_axis_TVALID),
    .beat_last_i  (s_axis_TLAST),
    .beat_load_i  (s_axis_TDATA[(Carried > 0) ? mondeq_pkg::DriveSimd * LaneBits : 0]),
    .beat_ready_o (s_axis_TREADY),
    .valid_o      (check_valid),
    .ready_i      (frame_ready && drained),
    .index_o      (index),
    .load_o       (load),
    .whole_o      (whole),
    .broken_o     (broken),
    .event_frame_o,
    .event_clear_i,
    .flush_i      (flush)
  );

  assign frame_valid = check_valid && drained;

  // A straight core's start is the update of a product of nothing, which a free place has once the words that a reset
  // left behind have gone through the graph.
  if (Straight) begin : g_drain
    mondeq_delay #(
      .Width(1),
      .Depth(mondeq_pkg::SolveStages)
    ) u_drained (
      .clk_i (ap_clk),
      .rst_ni(core_rst_n),
      .data_i(1'b1),
      .data_o(drained)
    );
  end else begin : g_no_drain
    assign drained = 1'b1;
  end

  if (Carried > 0) begin : g_carried
    assign sample_index = load ? '0 : IndexBits'(index);

    mondeq_carried u_carried (
      .clk_i        (ap_clk),
      .rst_ni       (core_rst_n),
      .beat_valid_i (frame_valid),
      .beat_index_i (index),
      .load_i       (load),
      .whole_i      (whole),
      .beat_i       (beat),
      .beat_ready_o (frame_ready),
      .drive_valid_o(beat_valid),
      .drive_ready_i(beat_ready),
      .state_o      (carried),
      .fresh_o      (fresh),
      .taken_i      (taken),
      .write_i      (carried_write),
      .last_i       (carried_last),
      .word_i       (carried_word)
    );
  end else begin : g_memoryless
    logic unused_carried;
    assign unused_carried = ^{load, taken, carried_write, carried_last, carried_word};
    assign sample_index = index;
    assign beat_valid = frame_valid;
    assign frame_ready = beat_ready;
    assign carried = '0;
    assign fresh = 1'b1;
  end

  // Registered, so that the readout need not be placed beside the drive.
  always_ff @(posedge ap_clk) begin
    if (!core_rst_n) release_slot_q <= 1'b0;
    else release_slot_q <= release_slot;
  end

  mondeq_drive u_drive (
    .clk_i       (ap_clk),
    .rst_ni      (core_rst_n),
    .beat_i      (beat),
    .beat_valid_i(beat_valid),
    .beat_index_i(sample_index),
    .beat_whole_i(whole),
    .beat_broken_i(broken),
    .beat_ready_o(beat_ready),
    .carried_i   (carried),
    .fresh_i     (fresh),
    .taken_o     (taken),
    .release_i   (release_slot_q),
    .write_o     (drive_write),
    .slot_o      (drive_slot),
    .row_o       (drive_row),
    .drive_o     (drive_words),
    .loaded_o    (drive_loaded),
    .error_o     (drive_error),
    .memory_error_o(drive_memory_error)
  );

  // Words of the states go to the solver, in the width that these have.
  for (genvar p = 0; p < StatePe; p++) begin : g_state_words
    assign state_words[p*StateDriveBits+:StateDriveBits] = drive_words[p*DriveBits+:StateDriveBits];
  end

  // Words of a feed-through go to the readout.
  if (mondeq_pkg::DriveRows > Rows) begin : g_feedthrough
    logic [DriveBits-1:0] word;

    if (DriveGroups > StateGroups) begin : g_some
      assign state_write = drive_write && (drive_row < DriveRowBits'(StateGroups));
    end else begin : g_all
      assign state_write = drive_write;
    end

    mondeq_feedthrough u_feedthrough (
      .clk_i  (ap_clk),
      .rst_ni (core_rst_n),
      .write_i(drive_write),
      .row_i  (drive_row),
      .words_i(drive_words),
      .step_i (direct_step),
      .last_i (direct_last),
      .word_o (word),
      .error_o(direct_error)
    );
    assign direct = OutputBits'($signed(word));
  end else begin : g_none
    logic unused_steps;
    assign unused_steps = ^{direct_step, direct_last};
    assign state_write = drive_write;
    assign direct = '0;
    assign direct_error = 1'b0;
  end

  mondeq_solve u_solve (
    .clk_i        (ap_clk),
    .rst_ni       (core_rst_n),
    .write_i      (state_write),
    .write_slot_i (drive_slot),
    .write_row_i  (drive_row[StateRowBits-1:0]),
    .drive_i      (state_words),
    .loaded_i     (drive_loaded),
    .done_o       (done),
    .read_slot_i  (readout_slot),
    .read_column_i(readout_column),
    .state_o      (readout_words),
    .release_i    (release_slot),
    .error_o      (solve_error),
    .memory_error_o(solve_memory_error)
  );

  mondeq_readout u_readout (
    .clk_i    (ap_clk),
    .rst_ni   (core_rst_n),
    .done_i   (done),
    .slot_o   (readout_slot),
    .column_o (readout_column),
    .state_i  (readout_words),
    .release_o(release_slot),
    .step_o   (direct_step),
    .step_last_o(direct_last),
    .error_o  (readout_error),
    .memory_error_o(readout_memory_error),
    .direct_i (direct),
    .valid_o  (core_valid),
    .ready_i  (core_ready),
    .last_o   (core_last),
    .output_o (readout_result),
    .carried_write_o(carried_write),
    .carried_last_o (carried_last),
    .carried_o      (carried_word)
  );

  assign core_rst_n = ap_rst_n && !flush;
  assign memory_error = drive_memory_error || solve_memory_error || readout_memory_error;

  if (mondeq_pkg::Watchdog > 0) begin : g_guard
    mondeq_guard u_guard (
      .clk_i         (ap_clk),
      .rst_ni        (ap_rst_n),
      .waits_i       (s_axis_TVALID && !s_axis_TREADY),
      .sample_i      (frame_valid && frame_ready && whole && !load),
      .loaded_i      (drive_loaded),
      .loaded_slot_i (drive_slot),
      .done_i        (done),
      .release_i     (release_slot),
      .release_slot_i(readout_slot),
      .error_i       (drive_error || solve_error || readout_error || direct_error),
      .memory_error_i(memory_error),
      .valid_i       (core_valid),
      .ready_o       (core_ready),
      .last_i        (core_last),
      .valid_o       (word_valid),
      .ready_i       (word_ready),
      .last_o        (word_last),
      .fill_o        (fill),
      .flush_o       (flush),
      .event_error_o,
      .event_clear_i
    );
  end else begin : g_unguarded
    logic unused_errors;
    assign unused_errors = ^{drive_error, solve_error, readout_error, direct_error, memory_error};
    assign core_ready = word_ready;
    assign word_valid = core_valid;
    assign word_last = core_last;
    assign fill = 1'b0;
    assign flush = 1'b0;
    assign event_error_o = 1'b0;
  end

  assign result = fill ? '0 : readout_result;

  if (Straight) begin : g_straight
    localparam int OutputLaneBits = mondeq_pkg::OutputLaneBits;
    logic [OutputWords*OutputLaneBits-1:0] lanes;

    assign word_ready = m_axis_TREADY;
    assign m_axis_TVALID = word_valid;
    assign m_axis_TLAST = word_last;
    for (genvar l = 0; l < OutputWords; l++) begin : g_lane
      assign lanes[l*OutputLaneBits+:OutputLaneBits] = OutputLaneBits'($signed(result[l*OutputBits+:OutputBits]));
    end
    assign m_axis_TDATA = mondeq_pkg::OutputTdataBits'(lanes);
  end else if (OutputWords > 1) begin : g_beats
    logic [OutputWords*mondeq_pkg::OutputLaneBits-1:0] lanes;

    mondeq_output_beat #(
      .Words   (OutputWords),
      .WordBits(OutputBits),
      .LaneBits(mondeq_pkg::OutputLaneBits)
    ) u_output_beat (
      .clk_i  (ap_clk),
      .rst_ni (ap_rst_n),
      .valid_i(word_valid),
      .ready_o(word_ready),
      .last_i (word_last),
      .word_i (result),
      .valid_o(m_axis_TVALID),
      .ready_i(m_axis_TREADY),
      .last_o (m_axis_TLAST),
      .beat_o (lanes)
    );
    assign m_axis_TDATA = mondeq_pkg::OutputTdataBits'(lanes);
  end else begin : g_words
    assign word_ready = m_axis_TREADY;
    assign m_axis_TVALID = word_valid;
    assign m_axis_TLAST = word_last;

    // Sign-extended to whole bytes.
    if (mondeq_pkg::OutputTdataBits > OutputBits) begin : g_extend
      assign m_axis_TDATA = {{mondeq_pkg::OutputTdataBits - OutputBits{result[OutputBits-1]}}, result};
    end else begin : g_exact
      assign m_axis_TDATA = result;
    end
  end

`ifdef MONDEQ_ASSERT
  mondeq_assert u_words_in_one_slot (.clk_i(ap_clk), .rst_ni(ap_rst_n), .holds_i(!drive_loaded || drive_write));
  mondeq_assert u_release (.clk_i(ap_clk), .rst_ni(ap_rst_n), .holds_i(!release_slot || Straight || done[readout_slot]));
`endif

endmodule
