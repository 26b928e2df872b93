// MonDEQ inference over AXI4-Stream: drive -> solve -> readout, each at work on its own samples.
// All sizes and widths come from the generated mondeq_pkg, whose values are the engines' default parameters; ports are
// named as Vitis HLS names them.
//
// Each engine has two forms with the same name and ports: its matrix folded onto multipliers (folded/), or unrolled as
// an adder graph (unrolled/).  The list of sources has the form that was chosen.
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
  localparam int SlotBits = (Slots > 1) ? $clog2(Slots) : 1;
  localparam int DriveGroups = (Rows + mondeq_pkg::DrivePe - 1) / mondeq_pkg::DrivePe;
  localparam int DriveRowBits = (DriveGroups > 1) ? $clog2(DriveGroups) : 1;
  localparam int ReadoutGroups = (Rows + mondeq_pkg::ReadoutSimd - 1) / mondeq_pkg::ReadoutSimd;
  localparam int ReadoutColumnBits = (ReadoutGroups > 1) ? $clog2(ReadoutGroups) : 1;

  // Wrong parameters do not elaborate: there is no such module.
  if (mondeq_pkg::InputTdataBits < BeatBits || mondeq_pkg::OutputTdataBits < OutputBits) begin : g_wrong_streams
    mondeq_error_stream_narrower_than_its_words u_error ();
  end

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

  mondeq_drive u_drive (
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

  mondeq_solve u_solve (
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

  mondeq_readout u_readout (
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
