// A core, mondeq_core, whose outputs tell of words at an end of their range: m_axis_TUSER with every beat of a sample.
//
// The core is the one without a flag, and its streams are its own; they are only looked at.
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
  output logic                                     m_axis_TUSER,  // a word of the sample is at an end of its range
  output logic                                     event_frame_o,  // a broken frame has come
  output logic                                     event_error_o,  // with a guard: an upset was noticed
  input  logic                                     event_clear_i
);

  localparam int Simd = mondeq_pkg::DriveSimd;
  localparam int InputBits = mondeq_pkg::InputBits;
  localparam int LaneBits = mondeq_pkg::InputLaneBits;
  localparam int Carried = mondeq_pkg::CarriedWords;
  localparam int Beats = (mondeq_pkg::InputWords + Simd - 1) / Simd;
  localparam int LoadBeats = (Carried + Simd - 1) / Simd;
  localparam int Most = (LoadBeats > Beats) ? LoadBeats : Beats;
  localparam int IndexBits = (Most > 1) ? $clog2(Most) : 1;

  logic [Simd*InputBits-1:0] beat;

  for (genvar l = 0; l < Simd; l++) begin : g_lane
    assign beat[l*InputBits+:InputBits] = s_axis_TDATA[l*LaneBits+:InputBits];
  end

  // The frames that the core takes, again: it is told of no other beats.
  logic taken, load, whole, broken, unused_ready, unused_event;
  logic [IndexBits-1:0] unused_index;

  mondeq_frame_check #(
    .Beats    (Beats),
    .LoadBeats(LoadBeats),
    .Check    (mondeq_pkg::FrameCheck != 0)
  ) u_frame_check (
    .clk_i        (ap_clk),
    .rst_ni       (ap_rst_n),
    .beat_valid_i (s_axis_TVALID && s_axis_TREADY),
    .beat_last_i  (s_axis_TLAST),
    .beat_load_i  (s_axis_TDATA[(Carried > 0) ? Simd * LaneBits : 0]),
    .beat_ready_o (unused_ready),
    .valid_o      (taken),
    .ready_i      (1'b1),
    .index_o      (unused_index),
    .load_o       (load),
    .whole_o      (whole),
    .broken_o     (broken),
    .event_frame_o(unused_event),
    .event_clear_i(1'b1),
    .flush_i      (1'b0)
  );

  mondeq_end_flag u_end_flag (
    .clk_i   (ap_clk),
    .rst_ni  (ap_rst_n),
    .take_i  (taken && !load),
    .whole_i (whole),
    .broken_i(broken),
    .beat_i  (beat),
    .leaves_i(m_axis_TVALID && m_axis_TREADY && m_axis_TLAST),
    .flag_o  (m_axis_TUSER)
  );

  mondeq_core u_core (
    .ap_clk,
    .ap_rst_n,
    .s_axis_TDATA,
    .s_axis_TVALID,
    .s_axis_TREADY,
    .s_axis_TLAST,
    .m_axis_TDATA,
    .m_axis_TVALID,
    .m_axis_TREADY,
    .m_axis_TLAST,
    .event_frame_o,
    .event_error_o,
    .event_clear_i
  );

endmodule
