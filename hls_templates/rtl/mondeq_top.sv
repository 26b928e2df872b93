// MonDEQ inference over AXI4-Stream: drive -> solve -> readout, each at work on its own samples.
// All sizes and widths come from the generated mondeq_pkg; ports are named as Vitis HLS names them.
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
  output logic                                     m_axis_TLAST
);

  localparam int Slots = mondeq_pkg::Slots;
  localparam int Rows = mondeq_pkg::StateWords;
  localparam int BeatBits = mondeq_pkg::DriveSimd * mondeq_pkg::InputBits;
  localparam int OutputBits = mondeq_pkg::OutputBits;
  localparam int SlotBits = $clog2(Slots);
  localparam int DriveGroups = (Rows + mondeq_pkg::DrivePe - 1) / mondeq_pkg::DrivePe;
  localparam int DriveRowBits = (DriveGroups > 1) ? $clog2(DriveGroups) : 1;
  localparam int ReadoutGroups = (Rows + mondeq_pkg::ReadoutSimd - 1) / mondeq_pkg::ReadoutSimd;
  localparam int ReadoutColumnBits = (ReadoutGroups > 1) ? $clog2(ReadoutGroups) : 1;

  logic drive_write, drive_loaded, release_slot;
  logic [SlotBits-1:0] drive_slot, readout_slot;
  logic [DriveRowBits-1:0] drive_row;
  logic [mondeq_pkg::DrivePe*mondeq_pkg::DriveBits-1:0] drive_words;
  logic [Slots-1:0] done;
  logic [ReadoutColumnBits-1:0] readout_column;
  logic [mondeq_pkg::ReadoutSimd*mondeq_pkg::StateBits-1:0] readout_words;
  logic [OutputBits-1:0] result;

  // Samples are counted, so the input's TLAST and the padding above the last word carry nothing.
  logic unused_input;
  assign unused_input = ^{s_axis_TLAST, s_axis_TDATA};

  mondeq_drive #(
    .Rows      (Rows),
    .Columns   (mondeq_pkg::InputWords),
    .Pe        (mondeq_pkg::DrivePe),
    .Simd      (mondeq_pkg::DriveSimd),
    .Slots     (Slots),
    .InputBits (mondeq_pkg::InputBits),
    .WeightBits(mondeq_pkg::DriveWeightBits),
    .SumBits   (mondeq_pkg::DriveAccumulatorBits),
    .DriveBits (mondeq_pkg::DriveBits),
    .LeftShift (mondeq_pkg::DriveLeftShift),
    .ShiftBase (mondeq_pkg::DriveShiftBase),
    .ShiftBits (mondeq_pkg::DriveShiftBits),
    .WeightFile({mondeq_pkg::MemDir, "/drive.mem"}),
    .BiasFile  ({mondeq_pkg::MemDir, "/drive_bias.mem"}),
    .ShiftFile ({mondeq_pkg::MemDir, "/drive_shift.mem"})
  ) u_drive (
    .clk_i       (ap_clk),
    .rst_ni      (ap_rst_n),
    .beat_i      (s_axis_TDATA[BeatBits-1:0]),
    .beat_valid_i(s_axis_TVALID),
    .beat_ready_o(s_axis_TREADY),
    .release_i   (release_slot),
    .write_o     (drive_write),
    .slot_o      (drive_slot),
    .row_o       (drive_row),
    .drive_o     (drive_words),
    .loaded_o    (drive_loaded)
  );

  // Only the strategy that was chosen is there; the other's modules are not even in the list of sources.
  if (mondeq_pkg::Unrolled != 0) begin : g_unrolled
    mondeq_solve_unrolled #(
      .Rows        (Rows),
      .Slots       (Slots),
      .DrivePe     (mondeq_pkg::DrivePe),
      .ReadoutSimd (mondeq_pkg::ReadoutSimd),
      .StateBits   (mondeq_pkg::StateBits),
      .DriveBits   (mondeq_pkg::DriveBits),
      .SumBits     (mondeq_pkg::AccumulatorBits),
      .Stages      (mondeq_pkg::GraphStages),
      .LeakShift   (mondeq_pkg::LeakShift),
      .PhiRelu     (mondeq_pkg::PhiRelu),
      .Iterations  (mondeq_pkg::Iterations),
      .RowShiftBits(mondeq_pkg::RowShiftBits),
      .RowShifts   (mondeq_pkg::RowShifts),
      .NegativeRows(mondeq_pkg::NegativeRows)
    ) u_solve (
      .clk_i        (ap_clk),
      .rst_ni       (ap_rst_n),
      .write_i      (drive_write),
      .write_slot_i (drive_slot),
      .write_row_i  (drive_row),
      .drive_i      (drive_words),
      .loaded_i     (drive_loaded),
      .done_o       (done),
      .read_slot_i  (readout_slot),
      .read_column_i(readout_column),
      .state_o      (readout_words),
      .release_i    (release_slot)
    );
  end else begin : g_folded
    mondeq_solve #(
      .Rows       (Rows),
      .Pe         (mondeq_pkg::SolvePe),
      .Simd       (mondeq_pkg::SolveSimd),
      .Slots      (Slots),
      .DrivePe    (mondeq_pkg::DrivePe),
      .ReadoutSimd(mondeq_pkg::ReadoutSimd),
      .StateBits  (mondeq_pkg::StateBits),
      .DriveBits  (mondeq_pkg::DriveBits),
      .WeightBits (mondeq_pkg::MatrixWeightBits),
      .SumBits    (mondeq_pkg::AccumulatorBits),
      .ShiftBase  (mondeq_pkg::MatrixShiftBase),
      .ShiftBits  (mondeq_pkg::MatrixShiftBits),
      .LeakShift  (mondeq_pkg::LeakShift),
      .PhiRelu    (mondeq_pkg::PhiRelu),
      .Iterations (mondeq_pkg::Iterations),
      .WeightFile ({mondeq_pkg::MemDir, "/matrix.mem"}),
      .ShiftFile  ({mondeq_pkg::MemDir, "/matrix_shift.mem"})
    ) u_solve (
      .clk_i        (ap_clk),
      .rst_ni       (ap_rst_n),
      .write_i      (drive_write),
      .write_slot_i (drive_slot),
      .write_row_i  (drive_row),
      .drive_i      (drive_words),
      .loaded_i     (drive_loaded),
      .done_o       (done),
      .read_slot_i  (readout_slot),
      .read_column_i(readout_column),
      .state_o      (readout_words),
      .release_i    (release_slot)
    );
  end

  mondeq_readout #(
    .Rows      (mondeq_pkg::OutputWords),
    .Columns   (Rows),
    .Simd      (mondeq_pkg::ReadoutSimd),
    .Slots     (Slots),
    .StateBits (mondeq_pkg::StateBits),
    .WeightBits(mondeq_pkg::ReadoutWeightBits),
    .OutputBits(OutputBits),
    .ShiftBits (mondeq_pkg::ReadoutShiftBits),
    .WeightFile({mondeq_pkg::MemDir, "/readout.mem"}),
    .BiasFile  ({mondeq_pkg::MemDir, "/readout_bias.mem"}),
    .ShiftFile ({mondeq_pkg::MemDir, "/readout_shift.mem"})
  ) u_readout (
    .clk_i    (ap_clk),
    .rst_ni   (ap_rst_n),
    .done_i   (done),
    .slot_o   (readout_slot),
    .column_o (readout_column),
    .state_i  (readout_words),
    .release_o(release_slot),
    .valid_o  (m_axis_TVALID),
    .ready_i  (m_axis_TREADY),
    .last_o   (m_axis_TLAST),
    .output_o (result)
  );

  // Sign-extended to whole bytes.
  if (mondeq_pkg::OutputTdataBits > OutputBits) begin : g_extend
    assign m_axis_TDATA = {{mondeq_pkg::OutputTdataBits - OutputBits{result[OutputBits-1]}}, result};
  end else begin : g_exact
    assign m_axis_TDATA = result;
  end

endmodule
